import { ConfigInvalidError, resolveBrokerOptions } from '@ds/core'
import type { BrokerKind, BrokerOptions, ResolvedBrokerOptions } from '@ds/core'
import { Cluster, Redis } from 'ioredis'
import type { ConnectionOptions } from 'node:tls'

/** A client of ioredis as somebody made it: for one server, by Sentinel, or for a cluster. */
export type RedisClient = Redis | Cluster

/** Options of the Redis broker: where the server is, and how much it must have kept before a call resolves. */
export interface RedisBrokerOptions extends BrokerOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. Wins over the single options. */
  readonly url?: string
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** Default 6379. */
  readonly port?: number
  /** A user of the server's ACL. Default: the server's default user. */
  readonly username?: string
  /** Never shown: not in messages, not in `health()`. */
  readonly password?: string
  /** Number of the database. Default 0. */
  readonly db?: number
  /** TLS: true, or what `tls.connect` takes, such as `ca`. */
  readonly tls?: boolean | ConnectionOptions
  /** The address is one node of a Redis Cluster. */
  readonly cluster?: boolean
  /**
   * A client to take as the model instead of an address: with Sentinel, a cluster, or settings of your own. The broker opens its own
   * connections like it and leaves this one alone, so who made it closes it.
   */
  readonly client?: RedisClient
  /**
   * Wait until so many replicas have confirmed what `submit`, `receive`, `settle`, `cancel` and `retry` wrote, at most `timeout` ms: what is
   * not confirmed by then rejects with `BrokerUnavailableError`. Narrows what a failover can lose. Default: no wait.
   */
  readonly wait?: ReplicaWait
}

/** How many replicas must have confirmed a write before it counts as accepted. */
export interface ReplicaWait {
  /** At least 1. */
  readonly replicas: number
  /** Milliseconds, at most 4000. Default 1000. */
  readonly timeout?: number
}

/** Where to connect to. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
  readonly db: number
  readonly tls?: ConnectionOptions
  readonly cluster: boolean
}

/** The options, checked and complete. */
export interface ResolvedOptions extends ResolvedBrokerOptions {
  readonly wait: Required<ReplicaWait> | undefined
  readonly target: RedisAddress | RedisClient
  /** For people: a URL without credentials. */
  readonly address: string
}

const KIND: BrokerKind<RedisBrokerOptions> = {
  broker: 'Redis',
  retentionByCount: true,
  own: {
    url: true,
    host: true,
    port: true,
    username: true,
    password: true,
    db: true,
    tls: true,
    cluster: true,
    client: true,
    wait: true,
  },
}

const PARAMETERS = [
  'namespace',
  'db',
  'cluster',
  'maxPayload',
  'requireDurable',
  'waitReplicas',
  'waitTimeout',
] as const
type Parameter = (typeof PARAMETERS)[number]

/** @throws ConfigInvalidError */
export function resolveOptions(options: RedisBrokerOptions): ResolvedOptions {
  const given = options.url === undefined ? options : { ...options, ...parseUrl(options.url, options.tls) }
  const shared = resolveBrokerOptions<RedisBrokerOptions>(given, KIND)
  const target = isClient(given.client) ? given.client : addressOf(given)
  return {
    ...shared,
    wait: resolveWait(given.wait),
    target,
    address: describeTarget(target),
  }
}

/** Whether a value is a client of ioredis, be it of another copy of that package. */
export function isClient(value: unknown): value is RedisClient {
  if (value instanceof Redis || value instanceof Cluster) return true
  return typeof value === 'object' && value !== null && 'duplicate' in value && 'isCluster' in value
}

/** Whether the broker talks to a cluster. */
export function isCluster(target: RedisAddress | RedisClient): boolean {
  return isClient(target) ? target.isCluster : target.cluster
}

function addressOf(options: RedisBrokerOptions): RedisAddress {
  if (options.client !== undefined) {
    throw new ConfigInvalidError('The option client of the Redis broker is no client of ioredis', {
      fix: 'Pass a Redis or Cluster of ioredis 5.4 or later, or a url',
    })
  }
  const { host = '127.0.0.1', port = 6379, db = 0, tls, cluster = false } = options
  if (typeof host !== 'string' || host === '') throw invalid('host', host, 'Give the name or address of the server')
  if (cluster && db !== 0) throw invalid('db', db, 'A cluster has only database 0; use namespaces')
  return {
    host,
    port: whole('port', port, [1, 65_535]),
    db: whole('db', db, [0]),
    cluster,
    ...(options.username !== undefined && { username: text('username', options.username) }),
    ...(options.password !== undefined && { password: text('password', options.password) }),
    ...(tls !== undefined && tls !== false && { tls: tls === true ? {} : tls }),
  }
}

function parseUrl(url: string, tls: RedisBrokerOptions['tls']): RedisBrokerOptions {
  const parsed = parse(url)
  const { username, password, hostname, port, pathname, searchParams } = parsed
  const parameters = parametersOf(searchParams)
  const db = pathname === '' || pathname === '/' ? parameters.db : pathname.slice(1)
  const wait = parameters.waitReplicas === undefined ? undefined : waitOf(parameters)
  return {
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: port === '' ? 6379 : Number(port),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(db !== undefined && { db: number('the database in the URL', db) }),
    ...(parsed.protocol === 'rediss:' && { tls: typeof tls === 'object' ? tls : true }),
    ...(parameters.cluster !== undefined && { cluster: flag('cluster', parameters.cluster) }),
    ...(parameters.namespace !== undefined && { namespace: parameters.namespace }),
    ...(parameters.maxPayload !== undefined && { maxPayload: number('maxPayload', parameters.maxPayload) }),
    ...(parameters.requireDurable !== undefined && {
      requireDurable: flag('requireDurable', parameters.requireDurable),
    }),
    ...(wait && { wait }),
  }
}

function parse(url: string): URL {
  const fix = 'Give one such as redis://user:password@127.0.0.1:6379/0, or rediss:// for TLS'
  // The URL itself is not shown: it may hold a password.
  if (!URL.canParse(url) || /^rediss?:(?!\/\/)/i.test(url))
    throw new ConfigInvalidError('The URL of the Redis broker cannot be read', { fix })
  const parsed = new URL(url)
  if (parsed.protocol === 'redis:' || parsed.protocol === 'rediss:') return parsed
  throw new ConfigInvalidError(`The Redis broker has no URLs that begin with ${parsed.protocol}`, { fix })
}

function parametersOf(search: URLSearchParams): Partial<Record<Parameter, string>> {
  const parameters: Partial<Record<Parameter, string>> = {}
  for (const [name, value] of search) {
    const known = PARAMETERS.find((parameter) => parameter === name)
    if (known === undefined) throw invalid(`${name} in the URL`, value, `Known are: ${PARAMETERS.join(', ')}`)
    parameters[known] = value
  }
  return parameters
}

function waitOf({ waitReplicas = '', waitTimeout }: Partial<Record<Parameter, string>>): ReplicaWait {
  const replicas = number('waitReplicas', waitReplicas)
  return waitTimeout === undefined ? { replicas } : { replicas, timeout: number('waitTimeout', waitTimeout) }
}

function resolveWait(wait: ReplicaWait | undefined): Required<ReplicaWait> | undefined {
  if (wait === undefined) return undefined
  return {
    replicas: whole('wait.replicas', wait.replicas, [1]),
    // No longer than the wait for an answer of the server itself.
    timeout: whole('wait.timeout', wait.timeout ?? 1000, [1, 4000]),
  }
}

function describeTarget(target: RedisAddress | RedisClient): string {
  if (isClient(target)) return describeClient(target)
  const { host, port, db, tls, cluster } = target
  const name = host.includes(':') ? `[${host}]` : host
  return `${tls ? 'rediss' : 'redis'}://${name}:${port}${db === 0 ? '' : `/${db}`}${cluster ? '?cluster=true' : ''}`
}

function describeClient(client: RedisClient): string {
  if (client instanceof Cluster || client.isCluster) return 'redis cluster'
  const { options } = client
  if (options.sentinels) return `redis ${options.name ?? 'master'} by sentinel`
  if (options.path !== undefined) return `redis ${options.path}`
  const { host = '127.0.0.1', port = 6379, db = 0 } = options
  return `${options.tls ? 'rediss' : 'redis'}://${host}:${port}${db === 0 ? '' : `/${db}`}`
}

type Range = readonly [minimum: number, maximum?: number]

function whole(name: string, value: unknown, [minimum, maximum = Number.MAX_SAFE_INTEGER]: Range): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value
  const range = maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum} on` : `from ${minimum} to ${maximum}`
  throw invalid(name, value, `Give a whole number ${range}`)
}

function number(name: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value)
  throw invalid(name, value, 'Give a whole number')
}

function flag(name: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalid(name, value, 'Give true or false')
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new ConfigInvalidError(`The option ${name} of the Redis broker is not a text`, { fix: 'Give a text' })
}

function invalid(name: string, value: unknown, fix: string): ConfigInvalidError {
  return new ConfigInvalidError(`The option ${name} of the Redis broker cannot be ${JSON.stringify(value)}`, { fix })
}
