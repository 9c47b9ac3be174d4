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
import type { NatsConnection } from '@nats-io/transport-node'
import { capabilitiesOf } from './capabilities.ts'
import { healthOf } from './health.ts'
import { checkOptions } from './options.ts'
import type { NatsBrokerOptions, Settings } from './options.ts'
import { NatsParts } from './parts.ts'

/** The broker on NATS JetStream. HOW_IT_WORKS.md says what lies where, and what each crash leaves behind. */
export class NatsBroker implements Broker {
  readonly name = 'nats'
  readonly address: string
  readonly #settings: Settings
  readonly #parts: NatsParts
  #capabilities: BrokerCapabilities

  constructor(options: NatsBrokerOptions = {}) {
    this.#settings = checkOptions(options)
    this.address = this.#settings.address
    this.#parts = new NatsParts(this.#settings)
    this.#capabilities = capabilitiesOf({ maxMessage: 1024 * 1024 }, this.#settings.maxPayload)
  }

  get capabilities(): BrokerCapabilities {
    return this.#capabilities
  }

  /** The connected client, for what this broker does not do. */
  get client(): NatsConnection {
    return this.#parts.link.client
  }

  async connect(options: { timeout: number; signal?: AbortSignal }): Promise<void> {
    await this.#parts.open(options)
    this.#capabilities = capabilitiesOf(this.#parts.limits, this.#settings.maxPayload)
  }

  close(): Promise<void> {
    return this.#parts.close()
  }

  health(): Promise<BrokerHealth> {
    return healthOf(this.#parts)
  }

  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.#parts.queue.submit(tasks)
  }

  openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    return this.#parts.openConsumer(options)
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.#parts.queue.cancel(id, options)
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.#parts.queue.retry(id, options)
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.#parts.store.get(ids)
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.#parts.store.list(query)
  }

  counts(): Promise<TaskCounts> {
    return this.#parts.store.counts()
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#parts.store.args(id)
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#parts.store.result(id)
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.#parts.store.errors(id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#parts.store.remove(id)
  }

  get parked(): ParkedStore {
    return this.#parts.parked
  }

  subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    return this.#parts.events.subscribe(filter, options)
  }

  announce(app: AppDescription): Promise<void> {
    return this.#parts.apps.announce(app)
  }

  apps(): Promise<AppDescription[]> {
    return this.#parts.apps.apps()
  }
}

/** A broker on NATS JetStream. Throws `ConfigInvalidError` at once for options that cannot work. */
export function createNatsBroker(options?: NatsBrokerOptions): NatsBroker {
  return new NatsBroker(options)
}
