import { mkdir, open } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import lockfile from 'proper-lockfile'

/** Where downloads are kept from one run to the next: `DS_SERVERS_CACHE`, else in the user's cache folder. */
export function cacheFolder(): string {
  const { DS_SERVERS_CACHE: own, XDG_CACHE_HOME: user } = process.env
  return own || path.join(user || path.join(homedir(), '.cache'), 'ds-servers')
}

/**
 * Finds something that one process at a time may install: `find` looks again once the lock is held, because another
 * process may have installed it meanwhile.
 *
 * @throws Error when it is still not there after `install`.
 */
export async function findOrInstall<Found>(
  name: string,
  find: () => Promise<Found | undefined> | Found | undefined,
  install: () => Promise<void>,
): Promise<Found> {
  const known = await find()
  if (known !== undefined) return known
  const unlock = await lock(name)
  try {
    const meanwhile = await find()
    if (meanwhile !== undefined) return meanwhile
    if (process.env['DS_TEST_INSTALL'] === 'never') throw new Error(`DS_TEST_INSTALL=never forbids to install ${name}`)
    process.stderr.write(`Installing ${name} for tests; this happens once.\n`)
    await install()
    const installed = await find()
    if (installed === undefined) throw new Error(`${name} was installed and still cannot be found`)
    return installed
  } finally {
    await unlock()
  }
}

/** A lock that one process holds at a time; that of a process that died is free again after half a minute. */
async function lock(name: string): Promise<() => Promise<void>> {
  const file = path.join(cacheFolder(), `${name.replaceAll(/[^a-z0-9.-]/gi, '-')}.lock`)
  await mkdir(cacheFolder(), { recursive: true })
  await (await open(file, 'a')).close()
  return lockfile.lock(file, {
    stale: 30_000,
    // A machine that slept may lose the lock. Installing twice is slow and does no harm; failing would.
    onCompromised: () => undefined,
    retries: { forever: true, minTimeout: 200, maxTimeout: 1_000, maxRetryTime: 900_000 },
  })
}
