import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import { isSameProcess, killGroup, startTimeOf } from '../src/faults/process-identity.ts'
import { waitUntil } from '../src/faults/waiting.ts'
import type { ServerKind, TestServer } from '../src/servers/server.ts'

/** A server that an earlier command has started. */
export interface RunningServer {
  kind: ServerKind
  url: string
  port: number
  version: string
  pid: number
  /** Tells the process from a later one with the same pid. */
  startTime?: string | undefined
  dataDir: string
}

/** What runs is not known, so nothing is started or ended. */
export class ServersRecordError extends Error {}

/** In the repository, and ignored by git, unless DS_SERVERS_FOLDER names another one. */
export const serversFolder: string =
  process.env['DS_SERVERS_FOLDER'] || path.join(import.meta.dirname, '../../../.servers')
const stateFile = path.join(serversFolder, 'servers.json')

/** The servers on record, also those that have ended by themselves. */
export function readServers(): RunningServer[] {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8')) as RunningServer[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new ServersRecordError(`${stateFile} cannot be read: end its servers by hand and remove it.`, {
      cause: error,
    })
  }
}

/** Puts a server on record, in place of an earlier one of its kind. */
export function remember({ kind, url, port, version, pid, dataDir }: TestServer): void {
  if (pid === undefined || dataDir === undefined) throw new ServersRecordError(`The ${kind} server has just ended.`)
  const others = readServers().filter((each) => each.kind !== kind)
  write([...others, { kind, url, port, version, pid, startTime: startTimeOf(pid), dataDir }])
}

/** Strikes servers off the record. */
export function forget(ended: readonly RunningServer[]): void {
  write(readServers().filter((each) => !ended.some(({ pid }) => pid === each.pid)))
}

/** Whether the process on record still runs. */
export function isAlive({ pid, startTime }: Pick<RunningServer, 'pid' | 'startTime'>): boolean {
  return isSameProcess(pid, startTime)
}

/** Asks the server to stop, ends it when it does not within ten seconds, and removes its data. */
export async function endServer(server: RunningServer): Promise<void> {
  if (isAlive(server)) {
    process.kill(server.pid, 'SIGTERM')
    const gone = { what: `${server.kind} to stop`, timeoutMs: 10_000 }
    await waitUntil(() => !isAlive(server), gone).catch(() => killGroup(server.pid, server.startTime))
  }
  rmSync(server.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

/** One command at a time changes what runs. */
export async function withServersLock<Value>(act: () => Promise<Value>): Promise<Value> {
  mkdirSync(serversFolder, { recursive: true })
  const unlock = await lockfile.lock(serversFolder, {
    stale: 30_000,
    onCompromised: () => undefined,
    retries: { forever: true, minTimeout: 200, maxTimeout: 1_000 },
  })
  try {
    return await act()
  } finally {
    await unlock()
  }
}

/** Written beside and moved into place, so that a killed command leaves the old record or the new one. */
function write(servers: readonly RunningServer[]): void {
  mkdirSync(serversFolder, { recursive: true })
  writeFileSync(`${stateFile}.new`, `${JSON.stringify(servers, undefined, 2)}\n`)
  renameSync(`${stateFile}.new`, stateFile)
}
