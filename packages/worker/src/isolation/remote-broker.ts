import { EventBuffer, NotSupportedError } from '@ds/core'
import type {
  AppDescription,
  AttemptError,
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  CancelAnswer,
  DsError,
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
import { errorOf } from './protocol.ts'
import type { BrokerMethod, FromMember, MemberInit, PlainError, ToMember } from './protocol.ts'

type PlainAnswer =
  { readonly ok: true; readonly value: SubmitAnswer } | { readonly ok: false; readonly error: PlainError }

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The worker's broker as its threads and processes see it: every call is made by the worker. It receives no tasks. */
export class RemoteBroker implements Broker {
  readonly name: string
  readonly address: string
  readonly capabilities: BrokerCapabilities
  readonly parked: ParkedStore
  readonly #send: (message: FromMember) => void
  readonly #calls = new Map<number, PendingCall>()
  readonly #subscriptions = new Map<number, EventBuffer>()
  #numbers = 0

  constructor(broker: MemberInit['broker'], send: (message: FromMember) => void) {
    this.name = broker.name
    this.address = broker.address
    this.capabilities = broker.capabilities
    this.#send = send
    this.parked = {
      list: (options) => this.#call('parked.list', options),
      read: (id) => this.#call('parked.read', id),
      remove: (id) => this.#call('parked.remove', id),
      replay: (id) => this.#call('parked.replay', id),
    }
  }

  /** Takes what the worker answers. False for a message that is none of its. */
  onMessage(message: ToMember): boolean {
    switch (message.type) {
      case 'answer':
        this.#take(message.call)?.resolve(message.value)
        return true
      case 'refusal':
        this.#take(message.call)?.reject(errorOf(message.error))
        return true
      case 'item':
        this.#push(message.subscription, message.item)
        return true
      case 'items-end':
        this.#subscriptions.get(message.subscription)?.end()
        this.#subscriptions.delete(message.subscription)
        return true
      case 'start':
      case 'run':
      case 'abort':
      case 'resumed':
      case 'stop':
        return false
    }
  }

  async connect(): Promise<void> {}

  async close(): Promise<void> {
    for (const buffer of this.#subscriptions.values()) buffer.end()
  }

  async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const answers = await this.#call<PlainAnswer[]>('submit', tasks)
    return answers.map((answer) => (answer.ok ? answer : { ok: false, error: errorOf(answer.error) as DsError }))
  }

  openConsumer(): Promise<TaskConsumer> {
    const fix = 'Start a worker of its own for that'
    return Promise.reject(new NotSupportedError('A thread or process of a worker cannot receive tasks itself', { fix }))
  }

  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer> {
    return this.#call('cancel', id, options)
  }

  retry(id: string, options: { nonce: string }): Promise<RetryAnswer> {
    return this.#call('retry', id, options)
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return this.#call('get', ids)
  }

  list(query: TaskQuery): Promise<TaskPage> {
    return this.#call('list', query)
  }

  counts(): Promise<TaskCounts> {
    return this.#call('counts')
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#call('args', id)
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#call('result', id)
  }

  errors(id: string): Promise<AttemptError[]> {
    return this.#call('errors', id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#call('remove', id)
  }

  announce(app: AppDescription): Promise<void> {
    return this.#call('announce', app)
  }

  apps(): Promise<AppDescription[]> {
    return this.#call('apps')
  }

  health(): Promise<BrokerHealth> {
    return this.#call('health')
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    const subscription = (this.#numbers += 1)
    const buffer = new EventBuffer({ filter: {}, signal })
    this.#subscriptions.set(subscription, buffer)
    const end = (): void => this.#send({ type: 'unsubscribe', subscription })
    signal.addEventListener('abort', end, { once: true })
    await this.#ask((call) => ({ type: 'subscribe', call, subscription, filter }))
    return buffer
  }

  #call<Answer>(method: BrokerMethod, ...args: readonly unknown[]): Promise<Answer> {
    return this.#ask((call) => ({ type: 'call', call, method, args }))
  }

  #ask<Answer>(messageOf: (call: number) => FromMember): Promise<Answer> {
    const call = (this.#numbers += 1)
    return new Promise<Answer>((resolve, reject) => {
      this.#calls.set(call, { resolve: (value) => resolve(value as Answer), reject })
      this.#send(messageOf(call))
    })
  }

  #take(call: number): PendingCall | undefined {
    const pending = this.#calls.get(call)
    this.#calls.delete(call)
    return pending
  }

  #push(subscription: number, item: SubscriptionItem): void {
    const buffer = this.#subscriptions.get(subscription)
    if (item.type === 'resync') buffer?.resync()
    else buffer?.push(item)
  }
}
