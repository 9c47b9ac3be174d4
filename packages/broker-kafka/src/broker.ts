import { BrokerClosedError, BrokerUnavailableError } from '@ds/core'
import type {
  AppDescription,
  AttemptError,
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  CancelAnswer,
  ConsumerOptions,
  EventFilter,
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
import { capabilitiesOf, checkDurability, durabilityOf } from './capabilities.ts'
import { healthOf } from './health.ts'
import { resolveOptions } from './options.ts'
import type { KafkaBrokerOptions, ResolvedOptions } from './options.ts'
import { createKafkaPort } from './port/kafkajs-port.ts'
import type { LogPort, TopicDescription } from './port/log-port.ts'
import { Session } from './session.ts'
import { topicSettings, topologyOf } from './topology.ts'
import type { Topology } from './topology.ts'

/** Until a call says that no server answers, in milliseconds. */
const PATIENCE = 5000

/** The broker on Kafka. Made by {@link createKafkaBroker}. */
export class KafkaBroker implements Broker {
  readonly name = 'kafka'
  readonly address: string
  readonly #options: ResolvedOptions
  readonly #topology: Topology
  #capabilities: BrokerCapabilities
  #state: TopicDescription | undefined
  #session: Session | undefined
  #connecting: Session | undefined
  #closed = false

  constructor(options: KafkaBrokerOptions) {
    this.#options = resolveOptions(options)
    this.address = this.#options.connection.address
    this.#topology = topologyOf(this.#options.namespace, this.#options.partitions)
    this.#capabilities = capabilitiesOf(this.#options.maxPayload)
  }

  get capabilities(): BrokerCapabilities {
    return this.#capabilities
  }

  get parked(): ParkedStore {
    return this.#open.parked
  }

  async connect({ timeout, signal }: { timeout: number; signal?: AbortSignal }): Promise<void> {
    if (this.#session || this.#closed) return
    const port = createKafkaPort({ ...this.#options.connection, connectPatience: timeout, patience: PATIENCE })
    const session = new Session({ port, topology: this.#topology, retention: this.#options.retention.age })
    this.#connecting = session
    try {
      await within(this.#start(port, session), { timeout, signal, address: this.address })
      this.#session = session
    } catch (error) {
      await session.close()
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connecting?.close()
    await this.#session?.close()
  }

  async health(): Promise<BrokerHealth> {
    return healthOf(this.#open.loops(), durabilityOf(this.#state))
  }

  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.#open.queue.submit(tasks)
  }

  async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    return this.#open.openConsumer(options)
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.#open.queue.cancel(id, options)
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.#open.queue.retry(id, options)
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.#open.store.get(ids)
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.#open.store.list(query)
  }

  counts(): Promise<TaskCounts> {
    return this.#open.store.counts()
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#open.store.args(id)
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#open.store.result(id)
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.#open.store.errors(id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#open.queue.remove(id)
  }

  subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    return this.#open.subscribe(filter, options)
  }

  announce(app: AppDescription): Promise<void> {
    return this.#open.apps.announce(app)
  }

  apps(): Promise<AppDescription[]> {
    return this.#open.apps.apps()
  }

  get #open(): Session {
    if (!this.#session) throw new BrokerClosedError()
    return this.#session
  }

  async #start(port: LogPort, session: Session): Promise<void> {
    const { maxPayload, requireDurable, replicationFactor, minInSyncReplicas } = this.#options
    await port.connect()
    await port.ensureTopics(topicSettings(this.#topology, { maxPayload, replicationFactor, minInSyncReplicas }))
    const [state] = await port.describeTopics([this.#topology.state])
    this.#state = state
    this.#capabilities = capabilitiesOf(maxPayload, state)
    if (requireDurable) checkDurability(durabilityOf(state), this.address)
    await session.open()
  }
}

/**
 * A broker on Kafka, not connected yet.
 * @throws ConfigInvalidError for options that cannot work
 */
export function createKafkaBroker(options: KafkaBrokerOptions = {}): KafkaBroker {
  return new KafkaBroker(options)
}

interface Limits {
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly address: string
}

/** Rejects when the time has passed or the signal has fired; what is under way is ended by whoever closes it. */
function within(work: Promise<void>, { timeout, signal, address }: Limits): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new BrokerUnavailableError(`Kafka at ${address} ${why}`))
    const onAbort = (): void => fail('was not waited for: connect was aborted')
    const timer = setTimeout(() => fail(`was not ready within ${timeout} ms`), timeout)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    })
  })
}
