import { findOrInstall } from './cache.ts'
import { findProgram, runCommand } from './run-command.ts'

// Servers are started by tests, on ports of their own: a package must not start one, now or at the next boot. A policy
// that is already there is left alone.
const installScript = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
for service in "$@"; do systemctl disable "$service" >/dev/null 2>&1 || true; done
`

/**
 * A program that a Debian package brings; the package is installed when it is missing.
 *
 * @throws Error when there is no apt-get, or this user may not install.
 */
export async function findDebianProgram(program: string, packageName: string): Promise<string> {
  return findOrInstall(
    packageName,
    () => findProgram(program),
    () => installPackage(packageName),
  )
}

/** @throws Error as `findDebianProgram` does. */
export async function installPackage(packageName: string): Promise<void> {
  if (findProgram('apt-get') === undefined) throw new Error(`no apt-get to install ${packageName} with`)
  const [command = 'sh', ...prefix] = [...(await asRoot(packageName)), 'sh']
  await runCommand(command, [...prefix, '-c', installScript, 'sh', packageName], {
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** What to put before a command so that root runs it: nothing for root, sudo where it asks for no password. */
async function asRoot(packageName: string): Promise<string[]> {
  if (process.getuid?.() === 0) return []
  const sudo = findProgram('sudo')
  try {
    if (sudo !== undefined) {
      await runCommand(sudo, ['-n', 'true'], { timeoutMs: 10_000 })
      return [sudo, '-n']
    }
  } catch {
    // sudo asks for a password, and nobody is there to type it.
  }
  throw new Error(`not root: \`sudo apt-get install ${packageName}\` would install it`)
}
