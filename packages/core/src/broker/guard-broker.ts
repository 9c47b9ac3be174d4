import type { BrokerHealth } from './health.ts'
import type { AppDescription } from '../app/app-description.ts'
import type {
  Broker,
  CancelAnswer,
  ConsumerOptions,
  NewTask,
  ParkedStore,
  RemoveAnswer,
  Result,
  RetryAnswer,
  SubmitAnswer,
  TaskConsumer,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from './broker.ts'
import type { BrokerCapabilities } from './capabilities.ts'
import { BrokerClosedError } from '../errors.ts'
import type { EventFilter, SubscriptionItem } from '../events.ts'
import { GuardedConsumer } from './guard-consumer.ts'
import { resubscribing } from './guard-subscription.ts'
import type { AttemptError, Payload, Task } from '../tasks/task.ts'

const HEALTH_TIMEOUT = 5000

/**
 * Puts the lifecycle around a broker, once for all adapters: `connect` and `close` may be called often and at once, calls before the
 * first and after the second are refused with a `BrokerClosedError`, closing ends consumers and subscriptions, and what the
 * contract says waits over an outage does. Guarding twice is guarding once.
 */
export function guardBroker(broker: Broker): Broker {
  return broker instanceof GuardedBroker ? broker : new GuardedBroker(broker)
}

class GuardedBroker implements Broker {
  readonly name: string
  readonly parked: ParkedStore
  readonly #inner: Broker
  readonly #closing = new AbortController()
  readonly #consumers = new Set<GuardedConsumer>()
  #connecting: Promise<void> | undefined
  #connected = false
  #closed: Promise<void> | undefined

  constructor(inner: Broker) {
    this.#inner = inner
    this.name = inner.name
    this.parked = this.#guardParked()
  }

  get address(): string {
    return this.#inner.address
  }

  get capabilities(): BrokerCapabilities {
    return this.#inner.capabilities
  }

  connect(options: { timeout: number; signal?: AbortSignal }): Promise<void> {
    if (this.#closed) return Promise.reject(new BrokerClosedError())
    this.#connecting ??= this.#connect(options)
    return this.#connecting
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async health(): Promise<BrokerHealth> {
    if (this.#closed || !this.#connected)
      return unhealthy(this.#closed ? 'the broker is closed' : 'the broker is not connected')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<BrokerHealth>((resolve) => {
      timer = setTimeout(() => resolve(unhealthy(`no answer within ${HEALTH_TIMEOUT} ms`)), HEALTH_TIMEOUT)
    })
    return Promise.race([this.#healthOfInner(), late]).finally(() => clearTimeout(timer))
  }

  async #healthOfInner(): Promise<BrokerHealth> {
    try {
      return await this.#inner.health()
    } catch (error) {
      return unhealthy(error instanceof Error ? error.message : String(error))
    }
  }

  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.#call((broker) => broker.submit(tasks))
  }

  async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const inner = await this.#call((broker) => broker.openConsumer(options))
    const consumer = new GuardedConsumer(inner, () => this.#consumers.delete(consumer))
    this.#consumers.add(consumer)
    return consumer
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.#call((broker) => broker.cancel(id, options))
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.#call((broker) => broker.retry(id, options))
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.#call((broker) => broker.get(ids))
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.#call((broker) => broker.list(query))
  }

  counts(): Promise<TaskCounts> {
    return this.#call((broker) => broker.counts())
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#call((broker) => broker.args(id))
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#call((broker) => broker.result(id))
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.#call((broker) => broker.errors(id))
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#call((broker) => broker.remove(id))
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    const ending = AbortSignal.any([signal, this.#closing.signal])
    const open = (): Promise<AsyncIterable<SubscriptionItem>> =>
      this.#call((broker) => broker.subscribe(filter, { signal: ending }))
    return resubscribing(await open(), open, ending)
  }

  announce(app: AppDescription): Promise<void> {
    return this.#call((broker) => broker.announce(app))
  }

  apps(): Promise<AppDescription[]> {
    return this.#call((broker) => broker.apps())
  }

  async #connect(options: { timeout: number; signal?: AbortSignal }): Promise<void> {
    try {
      await this.#inner.connect(options)
      this.#connected = true
    } catch (error) {
      // The next connect tries anew.
      this.#connecting = undefined
      throw error
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    // One that is connecting is waited for, or its sockets would outlive the close.
    await this.#connecting?.catch(() => undefined)
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.close()))
    await this.#inner.close()
  }

  #call<Answer>(call: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    if (this.#closed) return Promise.reject(new BrokerClosedError())
    if (this.#connected) return call(this.#inner)
    return Promise.reject(new BrokerClosedError('The broker is not connected', { fix: 'Wait for connect() first' }))
  }

  #guardParked(): ParkedStore {
    return {
      list: (options) => this.#call((broker) => broker.parked.list(options)),
      read: (id) => this.#call((broker) => broker.parked.read(id)),
      remove: (id) => this.#call((broker) => broker.parked.remove(id)),
      replay: (id) => this.#call((broker) => broker.parked.replay(id)),
    }
  }
}

function unhealthy(message: string): BrokerHealth {
  return {
    ok: false,
    checks: [{ name: 'connection', ok: false, message }],
    durability: { level: 'unknown', summary: message },
  }
}
