import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { cacheFolder, findOrInstall } from '../cache.ts'
import { findDebianProgram } from '../debian.ts'
import { findInstallation } from '../installation.ts'
import type { Installation, Source } from '../installation.ts'
import { findProgram, isExecutable, runCommand } from '../run-command.ts'
import type { NatsOptions } from './options.ts'

/**
 * Finds nats-server, installs it from Debian or builds it with Go when it is missing.
 *
 * @throws ServerUnavailableError when there is none (of the version asked for) and it cannot be installed.
 */
export async function findNats({
  executable,
  version,
}: Pick<NatsOptions, 'executable' | 'version'> = {}): Promise<Installation> {
  if (executable !== undefined) {
    return findInstallation('nats', [{ name: executable, find: () => describe(executable) }])
  }
  return findInstallation('nats', sourcesOf(version))
}

function sourcesOf(version: NatsOptions['version']): Source[] {
  const onPath = { name: 'the PATH', find: () => describe(findProgram('nats-server')) }
  const debian = { name: 'Debian', find: findDebian }
  if (version === undefined) return [onPath, debian, { name: 'Go', find: () => buildWithGo('latest') }]
  if (version === 'debian') return [debian]
  return [{ name: 'Go', find: () => buildWithGo(version) }]
}

/** Another nats-server may come first on the PATH, so the one that belongs to the package is asked for. */
async function findDebian(): Promise<Installation | undefined> {
  await findDebianProgram('nats-server', 'nats-server')
  const files = await runCommand('dpkg', ['-L', 'nats-server'], { timeoutMs: 10_000 })
  return describe(files.split('\n').find((file) => file.endsWith('bin/nats-server')))
}

async function buildWithGo(version: string): Promise<Installation | undefined> {
  const folder = path.join(cacheFolder(), 'nats', version)
  const program = path.join(folder, 'nats-server')
  const command = await findOrInstall(
    `nats-server-${version}`,
    () => (isExecutable(program) ? program : undefined),
    () => goInstall(version, folder),
  )
  return describe(command)
}

async function goInstall(version: string, folder: string): Promise<void> {
  const go = findProgram('go')
  if (go === undefined) throw new Error(`Go is not installed, and builds nats-server ${version}`)
  await mkdir(folder, { recursive: true })
  const tag = version === 'latest' ? version : `v${version}`
  await runCommand(go, ['install', `github.com/nats-io/nats-server/v2@${tag}`], { environment: { GOBIN: folder } })
}

async function describe(command: string | undefined): Promise<Installation | undefined> {
  if (command === undefined) return undefined
  const said = await runCommand(command, ['--version'], { timeoutMs: 10_000 })
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(said)?.[1]
  return { command, arguments: ['--config'], version: version ?? 'unknown' }
}
