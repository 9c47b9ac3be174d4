import type {
  ConsumerOptions,
  Delivery,
  Lease,
  Renewal,
  RenewAnswer,
  Result,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '../broker/broker.ts'
import { BrokerClosedError } from '../errors.ts'
import { changeOfOutcome } from '../state/outcome-change.ts'
import type { Entry } from './ledger.ts'
import type { MemoryState } from './memory-state.ts'

interface Waiter {
  readonly max: number
  readonly resolve: (deliveries: Delivery[]) => void
}

const APPLIED: Result<SettleAnswer> = { ok: true, value: 'applied' }
const SUPERSEDED: Result<SettleAnswer> = { ok: true, value: 'superseded' }
const HELD: Result<RenewAnswer> = { ok: true, value: { status: 'held' } }
const LOST: Result<RenewAnswer> = { ok: true, value: { status: 'lost' } }

/** A worker's membership: what it waits for and what it holds. */
export class MemoryConsumer implements TaskConsumer {
  readonly #state: MemoryState
  readonly #options: ConsumerOptions
  readonly #waiters = new Set<Waiter>()
  readonly #held = new Map<Entry, number>()
  #suspect: Entry | undefined
  #receiving = true
  #closed = false

  constructor(state: MemoryState, options: ConsumerOptions) {
    this.#state = state
    this.#options = options
  }

  get wantsTasks(): boolean {
    return this.#waiters.size > 0
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#closed) throw new BrokerClosedError('The consumer is closed')
    if (signal.aborted || !this.#receiving) return []
    const deliveries = this.#claim(max)
    return deliveries.length > 0 ? deliveries : this.#wait(max, signal)
  }

  /** Claims for the calls that wait. To be called when there may be something to claim. */
  wake(): void {
    for (const waiter of this.#waiters) {
      const deliveries = this.#claim(waiter.max)
      if (deliveries.length === 0) return
      waiter.resolve(deliveries)
    }
  }

  async renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    const now = this.#state.now()
    return items.map((item) => this.#renewOne(item, now))
  }

  async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    const now = this.#state.now()
    return items.map((item) => this.#settleOne(item, now))
  }

  async drain(): Promise<void> {
    this.#receiving = false
    for (const { resolve } of this.#waiters) resolve([])
  }

  async close(): Promise<void> {
    await this.drain()
    this.#closed = true
    if (this.#held.size === 0) this.#state.consumers.delete(this)
  }

  /** Ends the leases that have run out. */
  expire(now: number): void {
    for (const [entry, until] of this.#held) {
      if (until > now) continue
      const { attempt } = entry.task
      this.#letGo(entry)
      this.#state.change(entry, { type: 'lost', at: now, attempt })
    }
    if (this.#closed && this.#held.size === 0) this.#state.consumers.delete(this)
  }

  /** Tells the worker of a cancel, if it is this one that runs the task. */
  notify(entry: Entry, requeue: boolean): void {
    const { id: taskId, attempt } = entry.task
    if (this.#held.has(entry)) this.#options.onCancel({ taskId, attempt, requeue })
  }

  #wait(max: number, signal: AbortSignal): Promise<Delivery[]> {
    return new Promise((resolve) => {
      const end = (deliveries: Delivery[]): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', onAbort)
        resolve(deliveries)
      }
      const onAbort = (): void => end([])
      const waiter: Waiter = { max, resolve: end }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #claim(max: number): Delivery[] {
    const now = this.#state.now()
    const deliveries: Delivery[] = []
    for (const queue of this.#options.queues) {
      while (deliveries.length < max) {
        const entry = this.#state.take(queue, this.#suspect === undefined)
        if (!entry) break
        deliveries.push(this.#hold(entry, now))
      }
    }
    return deliveries
  }

  #hold(entry: Entry, now: number): Delivery {
    this.#state.change(entry, { type: 'claimed', at: now })
    const { task, args } = entry
    this.#held.set(entry, now + this.#options.lease)
    if (task.crashes > 0) this.#suspect = entry
    const lease = { id: task.id, attempt: task.attempt, token: task.incarnation, expiresIn: this.#options.lease }
    const previousError = entry.errors?.at(-1)?.error
    return previousError ? { task, args, lease, previousError } : { task, args, lease }
  }

  #letGo(entry: Entry): void {
    this.#held.delete(entry)
    if (this.#suspect !== entry) return
    this.#suspect = undefined
    this.wake()
  }

  #renewOne({ lease, progress }: Renewal, now: number): Result<RenewAnswer> {
    const entry = this.#entryOf(lease)
    if (!entry) return LOST
    this.#held.set(entry, now + this.#options.lease)
    if (progress !== undefined)
      this.#state.change(entry, { type: 'progress', at: now, attempt: lease.attempt, progress })
    const { cancelRequested } = entry.task
    return cancelRequested ? { ok: true, value: { status: 'held', cancel: cancelRequested } } : HELD
  }

  #settleOne({ lease, outcome }: Settlement, now: number): Result<SettleAnswer> {
    const entry = this.#entryOf(lease)
    if (!entry) return SUPERSEDED
    if (outcome.type === 'done') entry.result = outcome.result
    this.#letGo(entry)
    this.#state.change(entry, changeOfOutcome(outcome, lease.attempt, now))
    return APPLIED
  }

  /** The entry of a lease that is still this consumer's. */
  #entryOf(lease: Lease): Entry | undefined {
    const entry = this.#state.ledger.get(lease.id)
    const current = entry && entry.task.incarnation === lease.token && entry.task.attempt === lease.attempt
    return current && this.#held.has(entry) ? entry : undefined
  }
}
