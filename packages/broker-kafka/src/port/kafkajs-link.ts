import { BrokerClosedError, BrokerMisconfiguredError, DsError } from '@ds/core'
import type { Kafka } from 'kafkajs'
import type { Buffer } from 'node:buffer'
import { isHopeless, toBrokerError } from '../errors.ts'
import { cutConnection, mendConnection, nativeCluster } from './kafkajs-native.ts'
import type { NativeBroker, NativeCluster, NativePool } from './kafkajs-native.ts'
import { FETCH, METADATA, metadataRequest, PRODUCE, readMetadata } from './requests.ts'
import type { Metadata, RequestKind, TopicMetadata } from './requests.ts'
import { TooLateError, within } from './within.ts'

/** Where a link goes. */
export interface LinkSettings {
  readonly kafka: Kafka
  /** For people: where the servers are, without credentials. */
  readonly address: string
  /** Servers to ask first; without them the client's own list. The client itself cannot read an IPv6 address. */
  readonly seeds?: readonly { readonly host: string; readonly port: number }[]
}

/** One request. */
export interface Exchange {
  readonly kind: RequestKind
  readonly body: Buffer
  /** Milliseconds. */
  readonly timeout: number
  /** Which of the two connections to the server; the second is for what waits there. Default 0. */
  readonly connection?: 0 | 1
}

const CONNECT_TIMEOUT = 4000
const METADATA_TIMEOUT = 3000
/** How many of the given addresses one look for a server tries. */
const SEEDS_A_TRY = 3

/**
 * Connections to the servers of one cluster, and what is known of its topics. Whatever is asked answers or rejects in a bounded time;
 * a server that does not answer is dropped with its connections, and a later call connects anew. It tries nothing twice: who calls
 * knows whether to.
 */
export class KafkajsLink {
  readonly address: string
  readonly #native: NativeCluster
  readonly #seeds: NonNullable<LinkSettings['seeds']>
  #nextSeed = 0
  readonly #pools = new Set<NativePool>()
  readonly #nodes = new Map<number, NativeBroker>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #watched = new Set<string>()
  #places: Metadata['nodes'] = []
  #controller = -1
  #refreshing: Promise<void> | undefined
  #closed = false

  constructor({ kafka, address, seeds = [] }: LinkSettings) {
    this.address = address
    this.#seeds = seeds
    this.#native = nativeCluster(kafka)
    const builder = this.#native.brokerPool.connectionPoolBuilder
    const build = builder.build.bind(builder)
    builder.build = async (destination) => this.#take(await build(destination))
  }

  /** Asks the servers who they are and what the watched topics are like now; calls while it runs share it. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  /** Keeps knowing about these topics from now on. */
  async watch(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#watched.add(topic)
    if (!topics.every((topic) => this.#topics.has(topic))) await this.refresh()
    // The refresh that was shared may have begun before these topics were added.
    if (!topics.every((topic) => this.#topics.has(topic))) await this.refresh()
  }

  /** What was last known of a watched topic. */
  topic(topic: string): TopicMetadata | undefined {
    return this.#topics.get(topic)
  }

  /** The server that leads a partition, as far as known. */
  leader(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.partitions.find((known) => known.partition === partition)?.leader
    return leader === -1 ? undefined : leader
  }

  /** How many servers the cluster has. */
  size(): number {
    return this.#places.length
  }

  /** Sends bytes made here to one server. */
  send(node: number, exchange: Exchange): Promise<Buffer> {
    return this.ask(node, { what: exchange.kind.apiName, timeout: exchange.timeout }, (broker) =>
      exchangeWith(broker, exchange),
    )
  }

  /** Asks one server something in kafkajs' own words. */
  async ask<Answer>(
    node: number,
    { what, timeout }: { what: string; timeout: number },
    request: (broker: NativeBroker) => Promise<Answer>,
  ): Promise<Answer> {
    const broker = await this.#node(node)
    try {
      return await within(timeout, `${what} at ${placeOf(broker)}`, request(broker))
    } catch (error) {
      if (isBroken(error)) this.#drop(broker, error)
      throw error
    }
  }

  /** Asks the server that looks after the cluster itself. */
  async askController<Answer>(
    limits: { what: string; timeout: number },
    request: (broker: NativeBroker) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#controller < 0) await this.refresh()
    return this.ask(this.#controller, limits, request)
  }

  /** Asks any server. */
  async askAny<Answer>(
    limits: { what: string; timeout: number },
    request: (broker: NativeBroker) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#nodes.size === 0) await this.refresh()
    const [node = -1] = [...this.#nodes].find(([, broker]) => broker.isConnected()) ?? [...this.#nodes.keys()]
    return this.ask(node, limits, request)
  }

  /** What all servers say of topics: of all topics when none are named. */
  async metadata(topics: readonly string[] | undefined): Promise<Metadata> {
    return this.askAny({ what: METADATA.apiName, timeout: METADATA_TIMEOUT }, (broker) => askMetadata(broker, topics))
  }

  /** Cuts every connection, whatever waits on it. */
  close(): void {
    this.#closed = true
    this.#nodes.clear()
    for (const pool of this.#pools) cut(pool, new BrokerClosedError())
    this.#pools.clear()
  }

  async #node(id: number): Promise<NativeBroker> {
    if (this.#closed) throw new BrokerClosedError()
    const broker = this.#nodes.get(id) ?? (await this.#meet(id))
    if (!broker.isConnected()) await this.#connect(broker)
    return broker
  }

  async #meet(id: number): Promise<NativeBroker> {
    const place = this.#places.find((known) => known.id === id)
    if (!place) throw new TooLateError(`The server ${id}`, 0)
    const connectionPool = await this.#native.brokerPool.connectionPoolBuilder.build(place)
    const known = this.#nodes.get(id)
    if (known) return known
    const broker = this.#makeBroker(connectionPool, id)
    this.#nodes.set(id, broker)
    return broker
  }

  #makeBroker(connectionPool: NativePool, nodeId?: number): NativeBroker {
    const { brokerPool } = this.#native
    return brokerPool.createBroker({
      connectionPool,
      logger: brokerPool.rootLogger,
      ...(nodeId !== undefined && { nodeId }),
    })
  }

  async #connect(broker: NativeBroker): Promise<void> {
    try {
      await within(CONNECT_TIMEOUT, `Connecting to ${placeOf(broker)}`, broker.connect())
    } catch (error) {
      this.#drop(broker, error)
      throw error
    }
    checkVersions(broker, this.address)
    if (this.#closed) throw new BrokerClosedError()
  }

  #drop(broker: NativeBroker, reason: unknown): void {
    for (const [id, known] of this.#nodes) if (known === broker) this.#nodes.delete(id)
    this.#pools.delete(broker.connectionPool)
    cut(broker.connectionPool, reason instanceof Error ? reason : new Error(String(reason)))
  }

  #take(pool: NativePool): NativePool {
    for (const connection of pool.pool) mendConnection(connection)
    this.#pools.add(pool)
    return pool
  }

  async #refresh(): Promise<void> {
    let problem: unknown
    for await (const broker of this.#candidates()) {
      try {
        if (!broker.isConnected()) await this.#connect(broker)
        const work = askMetadata(broker, [...this.#watched])
        this.#learn(await within(METADATA_TIMEOUT, `Metadata at ${placeOf(broker)}`, work), broker)
        return
      } catch (error) {
        problem = error
        this.#drop(broker, error)
        if (DsError.is(error) || isHopeless(toBrokerError(error, this.address))) break
      }
    }
    throw problem
  }

  /** First who answered last time, then the addresses that were given. */
  async *#candidates(): AsyncGenerator<NativeBroker> {
    yield* [...this.#nodes.values()].filter((broker) => broker.isConnected())
    for (const { id } of this.#places) if (!this.#nodes.has(id) && !this.#closed) yield await this.#meet(id)
    const tries = Math.min(SEEDS_A_TRY, this.#seeds.length || SEEDS_A_TRY)
    for (let seed = 0; seed < tries; seed += 1) {
      if (this.#closed) throw new BrokerClosedError()
      yield this.#makeBroker(await this.#native.brokerPool.connectionPoolBuilder.build(this.#seed()))
    }
  }

  #seed(): { host: string; port: number } | undefined {
    this.#nextSeed += 1
    return this.#seeds[(this.#nextSeed - 1) % Math.max(1, this.#seeds.length)]
  }

  #learn({ nodes, controller, topics }: Metadata, from: NativeBroker): void {
    this.#places = nodes
    this.#controller = controller
    for (const topic of topics) this.#topics.set(topic.topic, topic)
    const { host, port } = from.connectionPool
    const self = nodes.find((place) => place.host === host && place.port === port)
    const known = self && this.#nodes.get(self.id)
    if (self && !known) this.#nodes.set(self.id, from)
    else if (known !== from && ![...this.#nodes.values()].includes(from)) this.#drop(from, new Error('not needed'))
    for (const [id, broker] of this.#nodes) {
      const place = nodes.find((node) => node.id === id)
      const { connectionPool } = broker
      const moved = place?.host !== connectionPool.host || place.port !== connectionPool.port
      if (moved) this.#drop(broker, new Error('The server left the cluster'))
    }
  }
}

async function exchangeWith({ connectionPool }: NativeBroker, exchange: Exchange): Promise<Buffer> {
  const { kind, body, timeout, connection: index = 0 } = exchange
  const connection = await connectionPool.getConnection(index)
  return connection.send({
    request: { ...kind, encode: async () => ({ buf: body, buffer: body }) },
    response: {
      decode: async (payload) => ({ payload, clientSideThrottleTime: 0 }),
      parse: async ({ payload }) => payload,
    },
    requestTimeout: timeout,
    logResponseError: false,
  })
}

async function askMetadata(broker: NativeBroker, topics: readonly string[] | undefined): Promise<Metadata> {
  const body = metadataRequest(topics)
  return readMetadata(await exchangeWith(broker, { kind: METADATA, body, timeout: METADATA_TIMEOUT }))
}

function checkVersions({ versions }: NativeBroker, address: string): void {
  for (const { apiKey, apiVersion, apiName } of [PRODUCE, FETCH, METADATA]) {
    const range = versions?.[apiKey]
    if (range && range.minVersion <= apiVersion && apiVersion <= range.maxVersion) continue
    throw new BrokerMisconfiguredError(`Kafka at ${address} does not speak version ${apiVersion} of ${apiName}`, {
      fix: 'Use Apache Kafka 2.3 or later',
    })
  }
}

/** Whether a connection cannot be trusted after this error. */
function isBroken(error: unknown): boolean {
  if (error instanceof TooLateError) return true
  return error instanceof Error && /Connection|RequestTimeout|LockTimeout|InvariantViolation/.test(error.name)
}

function placeOf({ connectionPool }: NativeBroker): string {
  return `${connectionPool.host}:${connectionPool.port}`
}

function cut({ pool }: NativePool, reason: Error): void {
  for (const connection of pool) cutConnection(connection, reason)
}
