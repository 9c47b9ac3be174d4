import { ConfigInvalidError, resolveBrokerOptions } from '@ds/core'
import type { BrokerKind, BrokerOptions, ResolvedBrokerOptions } from '@ds/core'
import { Kafka, logLevel } from 'kafkajs'
import type { SASLOptions } from 'kafkajs'
import type { ConnectionOptions } from 'node:tls'
import { parseKafkaUrl, parseSeeds, showSeeds } from './kafka-url.ts'
import type { Parameter, Seed } from './kafka-url.ts'
import type { KafkaPortOptions } from './port/kafkajs-port.ts'

/** How a user proves to be one. `plain` sends the password as it is: use it with TLS only. */
export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

/** A client as somebody made it: `new Kafka(...)` of kafkajs 2.2.4. */
export interface KafkaClient {
  /** A reader that belongs to a group. */
  consumer(options: { groupId: string }): unknown
  /** A writer. */
  producer(): unknown
  /** What manages topics. */
  admin(): unknown
}

/** Options of the Kafka broker: where the servers are, and how its topics are created. */
export interface KafkaBrokerOptions extends BrokerOptions {
  /** `kafka://user:password@host:9092,host2:9092?mechanism=scram-sha-256`, or `kafkas://` for TLS. Wins over the single options. */
  readonly url?: string
  /** Servers to ask for all others, as `host:port`. Default `127.0.0.1:9092`. */
  readonly brokers?: string | readonly string[]
  /** A user known to the servers. Default: no log in. */
  readonly username?: string
  /** Never shown: not in messages, not in `health()`. */
  readonly password?: string
  /** Default `plain`. */
  readonly mechanism?: SaslMechanism
  /** TLS: true, or what `tls.connect` takes, such as `ca`, `cert` and `key`. */
  readonly tls?: boolean | ConnectionOptions
  /**
   * A client to take addresses, TLS and log in from, instead of the options above. The broker opens connections of its own with it
   * and leaves its producers and consumers alone.
   */
  readonly client?: KafkaClient
  /**
   * Partitions of the topic that keeps the tasks. It counts when the topic is created and can never change; connecting with another
   * number is refused. Default 16.
   */
  readonly partitions?: number
  /** Copies of each partition, when topics are created. Default: `default.replication.factor` of the servers. */
  readonly replicationFactor?: number
  /** `min.insync.replicas` of topics when they are created. Default: that of the servers. */
  readonly minInSyncReplicas?: number
}

/** The options, checked and complete. */
export interface ResolvedOptions extends ResolvedBrokerOptions {
  readonly partitions: number
  readonly replicationFactor: number | undefined
  readonly minInSyncReplicas: number | undefined
  readonly connection: KafkaPortOptions
}

const KIND: BrokerKind<KafkaBrokerOptions> = {
  broker: 'Kafka',
  retentionByCount: false,
  own: {
    url: true,
    brokers: true,
    username: true,
    password: true,
    mechanism: true,
    tls: true,
    client: true,
    partitions: true,
    replicationFactor: true,
    minInSyncReplicas: true,
  },
}
const MECHANISMS: readonly SaslMechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512']
const MAX_PARTITIONS = 1024
const MAX_REPLICAS = 100

/** @throws ConfigInvalidError for what cannot work; NotSupportedError for `retention.count`. */
export function resolveOptions(options: KafkaBrokerOptions): ResolvedOptions {
  const given = options.url === undefined ? options : withUrl(options, options.url)
  const shared = resolveBrokerOptions(given, KIND)
  const replicationFactor = optional('replicationFactor', given.replicationFactor, MAX_REPLICAS)
  const minInSyncReplicas = optional('minInSyncReplicas', given.minInSyncReplicas, replicationFactor ?? MAX_REPLICAS)
  return {
    ...shared,
    partitions: whole('partitions', given.partitions ?? 16, [1, MAX_PARTITIONS]),
    replicationFactor,
    minInSyncReplicas,
    connection: {
      ...(given.client === undefined ? connectionTo(given) : connectionLike(given.client)),
      ...(replicationFactor !== undefined && { replicationFactor }),
    },
  }
}

function withUrl(options: KafkaBrokerOptions, text: string): KafkaBrokerOptions {
  const url = parseKafkaUrl(text)
  const { client: _client, ...rest } = options
  return {
    ...rest,
    brokers: url.seeds.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    ...(url.username !== undefined && { username: url.username }),
    ...(url.password !== undefined && { password: url.password }),
    ...(url.tls && { tls: typeof options.tls === 'object' ? options.tls : true }),
    ...fromParameters(url.parameters),
  }
}

function fromParameters(parameters: Readonly<Partial<Record<Parameter, string>>>): KafkaBrokerOptions {
  const { namespace, mechanism, requireDurable } = parameters
  const numbers = (['partitions', 'replicationFactor', 'minInSyncReplicas', 'maxPayload'] as const).flatMap((name) => {
    const value = parameters[name]
    return value === undefined ? [] : [[name, number(name, value)] as const]
  })
  return {
    ...Object.fromEntries(numbers),
    ...(namespace !== undefined && { namespace }),
    ...(mechanism !== undefined && { mechanism: checkMechanism(mechanism) }),
    ...(requireDurable !== undefined && { requireDurable: flag('requireDurable', requireDurable) }),
  }
}

function connectionTo(options: KafkaBrokerOptions): KafkaPortOptions {
  const seeds = parseSeeds(options.brokers ?? '127.0.0.1')
  const tls = checkTls(options.tls)
  const sasl = saslOf(options)
  const kafka = new Kafka({
    brokers: seeds.map(({ host, port }) => `${host}:${port}`),
    clientId: 'ds',
    connectionTimeout: 3000,
    authenticationTimeout: 3000,
    // What it would print is told in errors and in health().
    logLevel: logLevel.NOTHING,
    logCreator: () => () => undefined,
    ...(tls !== undefined && { ssl: tls }),
    ...(sasl && { sasl }),
  })
  return { kafka, seeds: seeds satisfies readonly Seed[], address: showSeeds(seeds, tls !== undefined) }
}

function connectionLike(client: KafkaClient): KafkaPortOptions {
  if (isKafka(client)) return { kafka: client, address: 'the given client' }
  throw new ConfigInvalidError('The option client of the Kafka broker is no client of kafkajs', {
    fix: 'Pass new Kafka(...) of kafkajs 2.2.4, or a url',
  })
}

function isKafka(client: unknown): client is Kafka {
  if (client instanceof Kafka) return true
  const isObject = typeof client === 'object' && client !== null
  return isObject && 'consumer' in client && 'producer' in client && 'admin' in client && 'logger' in client
}

function saslOf({ username, password, mechanism = 'plain' }: KafkaBrokerOptions): SASLOptions | undefined {
  if (username === undefined && password === undefined) return undefined
  return {
    mechanism: checkMechanism(mechanism),
    username: text('username', username),
    password: text('password', password),
  }
}

function checkMechanism(value: unknown): SaslMechanism {
  const name = typeof value === 'string' ? value.toLowerCase() : value
  const known = MECHANISMS.find((mechanism) => mechanism === name)
  if (known !== undefined) return known
  throw invalid('mechanism', value, `Give one of ${MECHANISMS.join(', ')}`)
}

function checkTls(tls: unknown): ConnectionOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if (typeof tls === 'object' && tls !== null) return tls
  throw new ConfigInvalidError('The option tls of the Kafka broker is neither true nor what tls.connect takes', {
    fix: 'Give true, or an object such as { ca }',
  })
}

type Range = readonly [minimum: number, maximum?: number]

function optional(name: string, value: unknown, maximum: number): number | undefined {
  return value === undefined ? undefined : whole(name, value, [1, maximum])
}

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

/** The value is not shown: it may be a password. */
function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ConfigInvalidError(
    `The option ${name} of the Kafka broker is ${value === undefined ? 'missing' : 'not a text'}`,
    {
      fix: 'Give username and password together, or neither',
    },
  )
}

function invalid(name: string, value: unknown, fix: string): ConfigInvalidError {
  return new ConfigInvalidError(`The option ${name} of the Kafka broker cannot be ${JSON.stringify(value)}`, { fix })
}
