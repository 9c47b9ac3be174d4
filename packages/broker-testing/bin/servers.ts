/**
 * Brokers for development, without docker: `npm run servers -- up|down|status [redis|nats|kafka][@version] [--json]`.
 *
 * What `up` starts goes on until `down`; .servers/ in the repository holds its data and what `down` needs to know.
 */
import { ServerStartError, ServerUnavailableError } from '../src/servers/errors.ts'
import { startServer } from '../src/servers/start.ts'
import type { ServerKind, TestServer } from '../src/servers/server.ts'
import { ManagedServer } from '../src/servers/managed-server.ts'
import {
  endServer,
  forget,
  isAlive,
  readServers,
  remember,
  serversFolder,
  ServersRecordError,
  withServersLock,
} from './running-servers.ts'
import type { RunningServer } from './running-servers.ts'

const kinds: readonly ServerKind[] = ['redis', 'nats', 'kafka']
const usage = 'Usage: npm run servers -- up|down|status [redis] [nats[@latest]] [kafka[@3.9.2]] [--json]'

/** A server as the command line names it: `kafka@3.9.2`. */
interface Wanted {
  kind: ServerKind
  version: string | undefined
}

type Release = `${number}.${number}.${number}`

class UsageError extends Error {}

async function main(parameters: readonly string[]): Promise<void> {
  const json = parameters.includes('--json')
  const [command, ...names] = parameters.filter((parameter) => parameter !== '--json' && parameter !== '--')
  const wanted = names.length === 0 ? kinds.map((kind) => ({ kind, version: undefined })) : names.map(parse)
  switch (command) {
    case 'up':
      return print(await withServersLock(() => up(wanted)), json)
    case 'down':
      return print(await withServersLock(() => down(wanted)), json)
    case 'status':
      return print(chosen(wanted), json)
    default:
      throw new UsageError(command === undefined ? usage : `There is no command ${command}. ${usage}`)
  }
}

function parse(name: string): Wanted {
  const [kind, version] = name.split('@')
  const known = kinds.find((each) => each === kind)
  if (known === undefined) throw new UsageError(`There is no server ${name}. ${usage}`)
  if (known === 'redis' && version !== undefined)
    throw new UsageError(`The version of redis cannot be chosen. ${usage}`)
  return { kind: known, version }
}

function chosen(wanted: readonly Wanted[]): RunningServer[] {
  return readServers().filter(({ kind }) => wanted.some((each) => each.kind === kind))
}

/** One after the other: on a small machine that is quicker than all at once. */
async function up(wanted: readonly Wanted[]): Promise<RunningServer[]> {
  for (const { kind, version } of wanted) {
    const known = readServers().find((each) => each.kind === kind)
    if (known !== undefined && isAlive(known)) {
      refuseOtherVersion(known, version)
      continue
    }
    if (known !== undefined) await endServer(known)
    const server = await start(kind, version)
    remember(server)
    // Only now: until it is on record, a killed command line must not leave it behind.
    if (server instanceof ManagedServer) server.letGo()
  }
  return chosen(wanted)
}

function refuseOtherVersion({ kind, version: running }: RunningServer, version: string | undefined): void {
  if (version === undefined || version === running) return
  throw new UsageError(`${kind} ${running} runs already. First: npm run servers -- down ${kind}`)
}

function start(kind: ServerKind, version: string | undefined): Promise<TestServer> {
  const parentFolder = serversFolder
  switch (kind) {
    case 'redis':
      return startServer(kind, { parentFolder })
    case 'nats':
      if (version === undefined) return startServer(kind, { parentFolder })
      if (version === 'debian' || version === 'latest') return startServer(kind, { parentFolder, version })
      return startServer(kind, { parentFolder, version: release(version) })
    case 'kafka':
      if (version === undefined) return startServer(kind, { parentFolder })
      return startServer(kind, { parentFolder, version: release(version) })
  }
}

function release(version: string): Release {
  if (isRelease(version)) return version
  throw new UsageError(`${version} is not a version like 4.3.1. ${usage}`)
}

function isRelease(version: string): version is Release {
  return /^\d+\.\d+\.\d+$/.test(version)
}

async function down(wanted: readonly Wanted[]): Promise<RunningServer[]> {
  const servers = chosen(wanted)
  await Promise.all(servers.map(endServer))
  forget(servers)
  return servers
}

function print(servers: readonly RunningServer[], json: boolean): void {
  const states = servers.map(({ kind, url, port, pid, version, dataDir, ...rest }) => {
    return { kind, version, running: isAlive({ pid, startTime: rest.startTime }), url, port, pid, dataDir }
  })
  if (json) return console.log(JSON.stringify({ servers: states }))
  if (states.length === 0) return console.log('No server runs. `npm run servers -- up redis` starts one.')
  for (const { kind, version, running, url, pid } of states) {
    console.log(`${kind.padEnd(6)} ${version.padEnd(8)} ${running ? 'running' : 'ended  '} pid ${pid}`)
    if (running) console.log(`       export DS_BROKER_URL=${url}`)
  }
}

/** One line. A server that did not start says why in the last line of its log. */
function explain(error: Error): string | undefined {
  const expected = [UsageError, ServersRecordError, ServerUnavailableError, ServerStartError]
  if (!expected.some((type) => error instanceof type)) return error.stack
  const [first = '', ...log] = error.message.split('\n')
  const last = log.at(-1)
  return last === undefined ? first : `${first.replace('Its last lines:', 'The last it said:')} ${last}`
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Error)) throw error
  console.error(explain(error))
  process.exitCode = error instanceof UsageError ? 2 : 1
}
