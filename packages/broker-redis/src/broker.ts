import { DsError } from '@ds/core'
import type {
  AppDescription,
  AttemptError,
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  CancelAnswer,
  ConsumerOptions,
  Durability,
  EventFilter,
  HealthCheck,
  NewTask,
  ParkedStore,
  Payload,
  RemoveAnswer,
  Result,
  RetryAnswer,
  SubmitAnswer,
  SubscriptionItem,
  Task,
  TaskConsumer,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from '@ds/core'
import { capabilitiesOf, checkDurability, checkFacts, durabilityOf, readFacts } from './capabilities.ts'
import type { ServerFacts } from './capabilities.ts'
import { Connection } from './connection.ts'
import { RedisConsumer } from './consumer.ts'
import { isHopeless, toBrokerError } from './errors.ts'
import { RedisEvents } from './events.ts'
import { Housekeeper } from './housekeeper.ts'
import { pause, unlessAborted } from './link.ts'
import { Notices } from './notices.ts'
import { isCluster, resolveOptions } from './options.ts'
import type { RedisBrokerOptions, RedisClient, ResolvedOptions } from './options.ts'
import { RedisQueue } from './queue.ts'
import { RedisStore } from './store.ts'
import { topologyOf } from './topology.ts'
import type { Topology } from './topology.ts'

/** How long `health` waits for the server. Milliseconds. */
const PING_TIMEOUT = 3000
/** An events reader that has not been answered for so long is stuck. Milliseconds. */
const READING_TIMEOUT = 8000

/** The broker on Redis Streams. HOW_IT_WORKS.md of this package says what lies where, and what is promised. */
export class RedisBroker implements Broker {
  readonly name = 'redis'
  readonly address: string
  readonly #options: ResolvedOptions
  readonly #topology: Topology
  readonly #connection: Connection
  readonly #queue: RedisQueue
  readonly #store: RedisStore
  readonly #events: RedisEvents
  readonly #notices: Notices
  readonly #housekeeper: Housekeeper
  readonly #consumers = new Set<RedisConsumer>()
  #facts: ServerFacts | undefined
  #capabilities: BrokerCapabilities
  #durability: Durability = { level: 'unknown', summary: 'not connected yet' }

  /** @throws ConfigInvalidError for options that cannot work */
  constructor(options: RedisBrokerOptions = {}) {
    this.#options = resolveOptions(options)
    this.address = this.#options.address
    this.#topology = topologyOf(this.#options.namespace)
    this.#connection = new Connection(this.#options, this.#topology.prefix)
    this.#queue = new RedisQueue(this.#connection)
    this.#store = new RedisStore(this.#connection, this.#topology)
    this.#events = new RedisEvents(this.#connection, this.#options, this.#topology)
    this.#notices = new Notices(this.#options, this.#topology, (notice) => {
      for (const consumer of this.#consumers) consumer.notify(notice)
    })
    this.#housekeeper = new Housekeeper(this.#connection, this.#options.retention)
    this.#capabilities = capabilitiesOf(this.#options)
  }

  get capabilities(): BrokerCapabilities {
    return this.#capabilities
  }

  /** The client this broker sends its commands with, for what the contract does not cover. It is closed with the broker. */
  get client(): RedisClient {
    return this.#connection.client
  }

  get parked(): ParkedStore {
    return this.#store.parked
  }

  async connect({ timeout, signal }: { timeout: number; signal?: AbortSignal }): Promise<void> {
    const ending = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])])
    try {
      await this.#connection.open({ timeout, signal: ending })
      await this.#meet(ending)
    } catch (error) {
      await this.#connection.close(0)
      throw toBrokerError(error, this.address)
    }
    this.#housekeeper.start()
  }

  async close(): Promise<void> {
    this.#housekeeper.stop()
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.close()))
    await this.#events.close()
    await this.#notices.close()
    await this.#connection.close()
  }

  async health(): Promise<BrokerHealth> {
    const connection = await this.#ping()
    const checks = [connection, ...this.#readingCheck(), ...[...this.#consumers].map((consumer) => consumer.health)]
    return { ok: checks.every(({ ok }) => ok), checks, durability: this.#durability }
  }

  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.#queue.submit(tasks)
  }

  async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const consumer = new RedisConsumer(
      {
        connection: this.#connection,
        options: this.#options,
        topology: this.#topology,
        uptime: this.#uptime,
        onClose: (closed) => this.#consumers.delete(closed),
      },
      options,
    )
    await this.#notices.listen()
    await consumer.join()
    this.#consumers.add(consumer)
    return consumer
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.#queue.cancel(id, options)
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.#queue.retry(id, options)
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.#store.get(ids)
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.#store.list(query)
  }

  counts(): Promise<TaskCounts> {
    return this.#store.counts()
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#store.args(id)
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#store.result(id)
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.#store.errors(id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#store.remove(id)
  }

  subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    return this.#events.subscribe(filter, options)
  }

  announce(app: AppDescription): Promise<void> {
    return this.#store.announce(app)
  }

  apps(): Promise<AppDescription[]> {
    return this.#store.apps()
  }

  /** Milliseconds that the server has run, as far as this process knows: after a break it may be another one. */
  get #uptime(): number {
    if (!this.#facts || this.#connection.cuts !== this.#facts.cuts) return 0
    return this.#facts.uptime + Date.now() - this.#facts.readAt
  }

  /** Learns what kind of server this is, and whether it will do. */
  async #meet(signal: AbortSignal): Promise<void> {
    const facts = await this.#askUntilAnswered(signal)
    checkFacts(facts, this.address, isCluster(this.#options.target))
    this.#facts = facts
    this.#durability = durabilityOf(facts)
    if (this.#options.requireDurable) checkDurability(this.#durability, this.address)
    this.#capabilities = capabilitiesOf(this.#options, facts)
  }

  /** One that is still loading is waited for. */
  async #askUntilAnswered(signal: AbortSignal): Promise<ServerFacts> {
    let last: unknown
    for (;;) {
      try {
        return await unlessAborted(this.#ask(), signal)
      } catch (error) {
        if (signal.aborted) throw last ?? error
        if (isHopeless(toBrokerError(error, this.address))) throw error
        last = error
        await pause(100)
      }
    }
  }

  async #ask(): Promise<ServerFacts> {
    const facts = await readFacts(this.#connection)
    // Rules out, before the first task, that the user may not run scripts or touch these keys.
    await this.#store.counts()
    return facts
  }

  async #ping(): Promise<HealthCheck> {
    const check = (message?: string): HealthCheck => {
      const at = this.#connection.lastAnswerAt
      return {
        name: 'connection',
        ok: message === undefined,
        ...(at !== undefined && { lastRoundTripAt: at }),
        ...(message !== undefined && { message }),
      }
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<HealthCheck>((resolve) => {
      timer = setTimeout(() => resolve(check(`no answer within ${PING_TIMEOUT} ms`)), PING_TIMEOUT)
    })
    const answer = this.#connection.call('ping').then(
      () => check(),
      (error: unknown) => check(DsError.is(error) ? error.message : String(error)),
    )
    return Promise.race([answer, late]).finally(() => clearTimeout(timer))
  }

  #readingCheck(): HealthCheck[] {
    const reading = this.#events.reading
    if (!reading) return []
    const { lastAnswerAt } = reading
    const ok = lastAnswerAt !== undefined && Date.now() - lastAnswerAt < READING_TIMEOUT
    const check = { name: 'events', ok, ...(lastAnswerAt !== undefined && { lastRoundTripAt: lastAnswerAt }) }
    return [ok ? check : { ...check, message: 'its reads are not answered' }]
  }
}

/** A broker on Redis, not connected yet. @throws ConfigInvalidError for options that cannot work */
export function createRedisBroker(options?: RedisBrokerOptions): RedisBroker {
  return new RedisBroker(options)
}
