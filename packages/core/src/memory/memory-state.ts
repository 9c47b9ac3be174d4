import type { Retention } from '../broker/broker-adapter.ts'
import type { EventBuffer } from '../watching/event-buffer.ts'
import { eventOf } from '../events.ts'
import { apply } from '../state/state.ts'
import type { Change, Verdict } from '../state/state.ts'
import { MAX_ATTEMPT_ERRORS } from '../tasks/task.ts'
import { Ledger } from './ledger.ts'
import type { Entry } from './ledger.ts'
import type { MemoryConsumer } from './memory-consumer.ts'
import { MemoryParked } from './memory-parked.ts'
import { MemoryQueues } from './memory-queues.ts'

/** How often expired leases and finished tasks past their retention are looked for. */
export const SWEEP_INTERVAL = 100

/** What the parts of a memory broker share. Every change of a task goes through {@link MemoryState.change}. */
export class MemoryState {
  readonly ledger: Ledger
  readonly queues: MemoryQueues
  readonly parked: MemoryParked
  readonly consumers: Set<MemoryConsumer> = new Set()
  readonly subscribers: Set<EventBuffer> = new Set()
  #clock = 0
  #wakeScheduled = false
  #sweeper: NodeJS.Timeout | undefined
  #promoter: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined

  constructor(retention: Retention) {
    this.ledger = new Ledger(retention)
    this.queues = new MemoryQueues(() => this.#scheduleWake())
    this.parked = new MemoryParked(this.queues)
  }

  /** The broker's clock. It never goes back, so that tasks are listed in the order in which they came. */
  now(): number {
    const now = Date.now()
    if (now > this.#clock) this.#clock = now
    return this.#clock
  }

  open(): void {
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL)
    this.#sweeper.unref()
  }

  close(): void {
    clearInterval(this.#sweeper)
    clearTimeout(this.#promoter?.timer)
    for (const subscriber of this.subscribers) subscriber.end()
  }

  /** Applies a change to a task, and does what follows from it: its place in the queues, its errors, its event. */
  change(entry: Entry, change: Change): Verdict {
    const before = entry.task
    const verdict = apply(before, change)
    if (verdict.verdict !== 'applied') return verdict
    const { task, error } = verdict
    if (before.state === 'QUEUED' && task.state !== 'QUEUED') this.queues.left(entry)
    this.ledger.update(entry, task)
    if (error) {
      entry.errors = [...(entry.errors ?? []), { attempt: task.attempt, at: change.at, error }].slice(
        -MAX_ATTEMPT_ERRORS,
      )
    }
    if (before.state !== 'QUEUED' && task.state === 'QUEUED') this.enqueue(entry)
    if (this.subscribers.size > 0) this.#tell(verdict, before.cancelRequested?.requeue, change.at)
    return verdict
  }

  /** Puts a QUEUED task where it waits. */
  enqueue(entry: Entry): void {
    this.queues.add(entry)
    const next = this.queues.nextDelay
    if (next === undefined || (this.#promoter && this.#promoter.at <= next)) return
    this.#armPromoter(next)
  }

  /** The next task of a queue that may start. Bytes that are no task are parked. */
  take(queue: string, suspects: boolean): Entry | undefined {
    for (;;) {
      const item = this.queues.take(queue, suspects)
      if (!(item instanceof Uint8Array)) return item
      this.parked.add({ source: queue, bytes: item, reason: 'not a task of this broker', parkedAt: this.now() })
    }
  }

  publish(entry: Entry): void {
    if (this.subscribers.size === 0) return
    const event = eventOf('QueuedEvent', entry.task, { at: entry.task.createdAt })
    for (const subscriber of this.subscribers) subscriber.push(event)
  }

  #tell(verdict: Extract<Verdict, { verdict: 'applied' }>, flag: boolean | undefined, at: number): void {
    const { task, error } = verdict
    const requeue = task.cancelRequested?.requeue ?? flag
    const isCancel = verdict.event === 'CancelEvent' || verdict.event === 'CancelledEvent'
    const event = eventOf(verdict.event, task, {
      at,
      ...(error && { error }),
      ...(isCancel && { requeue: requeue ?? false }),
    })
    for (const subscriber of this.subscribers) subscriber.push(event)
  }

  /** Waiting consumers claim at the end of the tick, so that what is submitted together is claimed together. */
  #scheduleWake(): void {
    if (this.#wakeScheduled) return
    this.#wakeScheduled = true
    queueMicrotask(() => {
      this.#wakeScheduled = false
      // Each one is asked: what one leaves, of another queue or a suspect, may be for the next.
      for (const consumer of [...this.consumers]) {
        if (!consumer.wantsTasks) continue
        consumer.wake()
        if (consumer.wantsTasks) continue
        // To the end of the line: the one that was served last is asked last next time.
        this.consumers.delete(consumer)
        this.consumers.add(consumer)
      }
    })
  }

  #armPromoter(at: number): void {
    clearTimeout(this.#promoter?.timer)
    // Timers hold at most 2^31 - 1 ms; a longer delay is looked at again on the way.
    const timer = setTimeout(() => this.#promote(), Math.min(Math.max(0, at - Date.now()), 2 ** 31 - 1))
    timer.unref()
    this.#promoter = { timer, at }
  }

  #promote(): void {
    this.#promoter = undefined
    this.queues.promote(this.now())
    const next = this.queues.nextDelay
    if (next !== undefined) this.#armPromoter(next)
  }

  #sweep(): void {
    const now = this.now()
    for (const consumer of this.consumers) consumer.expire(now)
    this.ledger.expire(now)
  }
}
