import type {
  AppDescription,
  AttemptError,
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  CancelAnswer,
  ConsumerOptions,
  Delivery,
  EventFilter,
  NewTask,
  ParkedStore,
  Payload,
  RemoveAnswer,
  Renewal,
  RenewAnswer,
  Result,
  RetryAnswer,
  SettleAnswer,
  Settlement,
  SubmitAnswer,
  SubscriptionItem,
  Task,
  TaskConsumer,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from '@ds/core'

/** A broker that hands every call on. Subclasses change one thing. */
export abstract class BrokerWrapper implements Broker {
  abstract get inner(): Broker

  get name(): string {
    return this.inner.name
  }

  get address(): string {
    return this.inner.address
  }

  get capabilities(): BrokerCapabilities {
    return this.inner.capabilities
  }

  get parked(): ParkedStore {
    return {
      list: (options) => this.call((broker) => broker.parked.list(options)),
      read: (id) => this.call((broker) => broker.parked.read(id)),
      remove: (id) => this.call((broker) => broker.parked.remove(id)),
      replay: (id) => this.call((broker) => broker.parked.replay(id)),
    }
  }

  connect(options: { timeout: number; signal?: AbortSignal }): Promise<void> {
    return this.inner.connect(options)
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  health(): Promise<BrokerHealth> {
    return this.inner.health()
  }

  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.call((broker) => broker.submit(tasks))
  }

  openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    return this.call((broker) => broker.openConsumer(options))
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.call((broker) => broker.cancel(id, options))
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.call((broker) => broker.retry(id, options))
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.call((broker) => broker.get(ids))
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.call((broker) => broker.list(query))
  }

  counts(): Promise<TaskCounts> {
    return this.call((broker) => broker.counts())
  }

  args(id: string): Promise<Payload | undefined> {
    return this.call((broker) => broker.args(id))
  }

  result(id: string): Promise<Payload | undefined> {
    return this.call((broker) => broker.result(id))
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.call((broker) => broker.errors(id))
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.call((broker) => broker.remove(id))
  }

  subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    return this.call((broker) => broker.subscribe(filter, options))
  }

  announce(app: AppDescription): Promise<void> {
    return this.call((broker) => broker.announce(app))
  }

  apps(): Promise<AppDescription[]> {
    return this.call((broker) => broker.apps())
  }

  /** Every call goes through here. */
  protected call<Answer>(run: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    return run(this.inner)
  }
}

/** A consumer that hands every call on. */
export class ConsumerWrapper implements TaskConsumer {
  readonly inner: TaskConsumer

  constructor(inner: TaskConsumer) {
    this.inner = inner
  }

  receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    return this.inner.receive(max, signal)
  }

  renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    return this.inner.renew(items)
  }

  settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    return this.inner.settle(items)
  }

  drain(): Promise<void> {
    return this.inner.drain()
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}
