import { MOST_AHEAD } from './pace.ts'
import { BrokerMisconfiguredError } from '@ds/core'
import type { BrokerCapabilities, Durability } from '@ds/core'
import type { Connection } from './connection.ts'
import type { ResolvedOptions } from './options.ts'

/** How often a queue is looked through for leases that have run out. Milliseconds. */
export const REAP_INTERVAL = 500
/** How often delays are looked at that were not known the last time. Milliseconds. */
export const PROMOTE_INTERVAL = 200
const OLDEST_VERSION = [6, 2] as const
/** What Redis takes by default in one argument. */
const DEFAULT_BULK = 512 * 1024 * 1024

/** What the server says of itself. */
export interface ServerFacts {
  readonly version: string
  readonly role: string
  readonly master: string | undefined
  readonly cluster: boolean
  /** Milliseconds, when this was read. */
  readonly uptime: number
  /** By this process's clock. */
  readonly readAt: number
  /** How often the connection had been lost by then. */
  readonly cuts: number
  readonly appendOnly: boolean
  /** `always`, `everysec`, `no`; undefined where reading it is forbidden. */
  readonly fsync: string | undefined
  /** Undefined where reading it is forbidden. */
  readonly snapshots: boolean | undefined
  readonly eviction: string
  readonly bulkLimit: number
}

/** What can be done before the server is known. */
export function capabilitiesOf(options: ResolvedOptions, facts?: ServerFacts): BrokerCapabilities {
  return {
    shared: true,
    persistent: facts ? facts.appendOnly || facts.snapshots !== false : true,
    batch: { inFlight: 2, maxItems: 500, maxBytes: 4 * 1024 * 1024 },
    claimAhead: MOST_AHEAD,
    sweepInterval: 2 * REAP_INTERVAL,
    takeover: 0,
    delayTick: PROMOTE_INTERVAL + 50,
    readLag: 0,
    list: 'indexed',
    settlement: 'decided',
    retentionByCount: true,
    queueLimit: true,
    maxPayload: Math.min(options.maxPayload, facts?.bulkLimit ?? DEFAULT_BULK),
  }
}

/** Asks the server about itself. What it does not allow to be read is taken for its default. */
export async function readFacts(connection: Connection): Promise<ServerFacts> {
  const [info, fsync, save, bulk] = await Promise.all([
    connection.call('info'),
    readSetting(connection, 'appendfsync'),
    readSetting(connection, 'save'),
    readSetting(connection, 'proto-max-bulk-len'),
  ])
  const fields = parseInfo(String(info))
  const masterHost = fields.get('master_host')
  return {
    version: fields.get('redis_version') ?? 'unknown',
    role: fields.get('role') ?? 'master',
    master: masterHost === undefined ? undefined : `${masterHost}:${fields.get('master_port')}`,
    cluster: fields.get('redis_mode') === 'cluster' || fields.get('cluster_enabled') === '1',
    uptime: Number(fields.get('uptime_in_seconds') ?? 0) * 1000,
    readAt: Date.now(),
    cuts: connection.cuts,
    appendOnly: fields.get('aof_enabled') === '1',
    fsync,
    snapshots: save === undefined ? undefined : save !== '',
    eviction: fields.get('maxmemory_policy') ?? 'noeviction',
    bulkLimit: Number(bulk ?? DEFAULT_BULK),
  }
}

async function readSetting(connection: Connection, name: string): Promise<string | undefined> {
  try {
    const answer = await connection.call('config', 'get', name)
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined
  } catch {
    // Hosted servers forbid it.
    return undefined
  }
}

function parseInfo(info: string): Map<string, string> {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/** @throws BrokerMisconfiguredError for a server that cannot carry tasks */
export function checkFacts(facts: ServerFacts, address: string, isCluster: boolean): void {
  const [major = 0, minor = 0] = facts.version.split('.').map(Number)
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    const fix = 'Use Redis 6.2 or later, or Valkey'
    throw new BrokerMisconfiguredError(`Redis at ${address} is version ${facts.version}`, { fix })
  }
  if (facts.cluster && !isCluster) {
    const fix = 'Add ?cluster=true to the URL, or pass a Cluster client of ioredis as `client`'
    throw new BrokerMisconfiguredError(`Redis at ${address} is part of a cluster, and was reached as a single server`, {
      fix,
    })
  }
  if (facts.role !== 'master' && !isCluster) {
    const fix = `Connect to its master${facts.master === undefined ? '' : `, ${facts.master}`}`
    throw new BrokerMisconfiguredError(`Redis at ${address} is a read-only replica`, { fix })
  }
}

/** What the server's settings make of "durable". */
export function durabilityOf(facts: ServerFacts): Durability {
  const { appendOnly, fsync, eviction } = facts
  const kept = appendOnly
    ? `append-only file, appendfsync ${fsync ?? 'unknown'}`
    : facts.snapshots === false
      ? 'kept in memory alone'
      : 'snapshots, no append-only file'
  const summary = eviction === 'noeviction' ? kept : `${kept}; maxmemory-policy ${eviction} may delete tasks`
  const advice = adviceOn(facts)
  const weak = !appendOnly || fsync === 'no' || eviction !== 'noeviction'
  const level = weak ? 'weak' : fsync === undefined ? 'unknown' : 'strong'
  return advice === undefined ? { level, summary } : { level, summary, advice }
}

function adviceOn({ appendOnly, fsync, eviction }: ServerFacts): string | undefined {
  const advice: string[] = []
  if (eviction !== 'noeviction') advice.push('Set maxmemory-policy noeviction')
  if (!appendOnly) advice.push('Set appendonly yes, or a crash loses what came after the last snapshot')
  else if (fsync === 'no') advice.push('Set appendfsync everysec or always')
  else if (fsync === 'everysec')
    advice.push('Set appendfsync always where not even a power cut may lose the last seconds')
  return advice.length === 0 ? undefined : advice.join('. ')
}

/** @throws BrokerMisconfiguredError where `requireDurable` asks for more than the server's settings give. */
export function checkDurability({ level, summary, advice }: Durability, address: string): void {
  if (level !== 'weak') return
  throw new BrokerMisconfiguredError(`Redis at ${address} is not durable (${summary}), and requireDurable is set`, {
    ...(advice !== undefined && { fix: advice }),
  })
}
