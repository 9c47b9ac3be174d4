import { findDebianProgram } from '../debian.ts'
import { findInstallation } from '../installation.ts'
import type { Installation } from '../installation.ts'
import { findProgram, runCommand } from '../run-command.ts'
import type { RedisOptions } from './options.ts'

/**
 * Finds Redis (or Valkey), installs it from Debian when it is missing.
 *
 * @throws ServerUnavailableError when there is none and it cannot be installed.
 */
export async function findRedis({ executable }: Pick<RedisOptions, 'executable'> = {}): Promise<Installation> {
  if (executable !== undefined) {
    return findInstallation('redis', [{ name: executable, find: () => describe(executable) }])
  }
  return findInstallation('redis', [
    { name: 'the PATH', find: () => describe(findProgram('redis-server', 'valkey-server')) },
    { name: 'Debian', find: async () => describe(await findDebianProgram('redis-server', 'redis-server')) },
  ])
}

async function describe(command: string | undefined): Promise<Installation | undefined> {
  if (command === undefined) return undefined
  const version = /v=(\S+)/.exec(await runCommand(command, ['--version'], { timeoutMs: 10_000 }))?.[1]
  return { command, arguments: [], version: version ?? 'unknown' }
}
