import { Batcher, toTaskError, UnregisteredTaskError } from '@ds/core'
import type {
  AbortKind,
  App,
  CancelNotice,
  Delivery,
  DsError,
  Isolation,
  Outcome,
  Result,
  SettleAnswer,
  TaskConsumer,
  BatchLimits,
  Settlement,
} from '@ds/core'
import { HeldDelivery } from './held-delivery.ts'
import type { DeliveryOwner } from './held-delivery.ts'
import type { RunnableDelivery, Runner } from './isolation/runner.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import { tellObservers } from './observer.ts'
import type { WorkerIdentity, WorkerObserver } from './observer.ts'
import type { Slots } from './slots.ts'
import type { UnregisteredPolicy } from './worker-options.ts'

/** How the runs of a worker ended, since it started. */
export interface RunCounts {
  started: number
  done: number
  error: number
  retry: number
  cancelled: number
  released: number
  /** Whose thread or process died. */
  lost: number
  /** Whose outcome was dropped or refused, for the task had been given to another worker. */
  superseded: number
}

export interface DeliveriesOptions {
  readonly identity: WorkerIdentity
  readonly runners: Readonly<Record<Isolation, Runner>>
  readonly consumer: Pick<TaskConsumer, 'settle'>
  readonly batch: BatchLimits
  readonly slots: Slots
  readonly keeper: LeaseKeeper
  readonly unregistered: Required<UnregisteredPolicy>
  readonly observers: readonly WorkerObserver[]
  /** There may be a free slot. */
  readonly onSlotFree: () => void
  /** Settling cannot go on. */
  readonly onFailed: (error: unknown) => void
}

/** Everything a worker holds, from claim to answer: starts it, settles it, counts it. */
export class Deliveries implements DeliveryOwner {
  readonly slots: Slots
  readonly keeper: LeaseKeeper
  readonly counts: RunCounts = {
    started: 0,
    done: 0,
    error: 0,
    retry: 0,
    cancelled: 0,
    released: 0,
    lost: 0,
    superseded: 0,
  }
  readonly #options: DeliveriesOptions
  readonly #app: App
  readonly #batcher: Batcher<Settlement, SettleAnswer>
  readonly #held = new Set<HeldDelivery>()
  #lastEnded: HeldDelivery | undefined
  #running = 0
  #closing = false
  #idle: (() => void)[] = []

  constructor(options: DeliveriesOptions) {
    this.#options = options
    this.#app = options.identity.app
    this.slots = options.slots
    this.keeper = options.keeper
    this.#batcher = new Batcher({
      send: (items) => options.consumer.settle(items),
      limits: options.batch,
      size: ({ outcome }) => (outcome.type === 'done' ? outcome.result.length : 0),
    })
  }

  /** Those whose handler has not ended. */
  get running(): HeldDelivery[] {
    return [...this.#held].filter((held) => !held.ended)
  }

  /** The names of tasks that run in this thread, and of the one that ran last. */
  get inlineNames(): string[] {
    const candidates = [...this.#held, ...(this.#lastEnded ? [this.#lastEnded] : [])]
    const inline = candidates.filter(({ definition }) => definition?.options.isolation === 'inline')
    return [...new Set(inline.map(({ task }) => task.name))].sort()
  }

  /** Starts what was received, or gives it back where the worker is closing. */
  accept(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#accept(delivery)
  }

  /** A slot that was left without an end: its delivery waits. */
  wake(): void {
    this.#options.onSlotFree()
  }

  /** A cancel was broadcast. */
  cancel({ taskId, attempt }: CancelNotice): void {
    for (const held of this.#held) {
      if (held.lease.id === taskId && held.lease.attempt === attempt) held.onCancelRequested()
    }
  }

  /** From now on what is received is given back. */
  close(): void {
    this.#closing = true
  }

  abortAll(kind: AbortKind, message: string): void {
    for (const held of this.running) held.abort(kind, message)
  }

  /** Gives back what has not ended. Its handlers may go on; nobody hears of it. */
  releaseAll(): void {
    for (const held of this.running) this.#end(held, { type: 'released' })
  }

  /** Resolves when no handler is running. */
  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Resolves when every outcome is answered. */
  settled(): Promise<void> {
    return this.#batcher.idle()
  }

  #accept(delivery: Delivery): void {
    const definition = this.#app.tasks.get(delivery.task.name)
    const held = new HeldDelivery(delivery, definition, this)
    this.#held.add(held)
    this.keeper.add(held)
    this.#running += 1
    if (this.#closing) return this.#end(held, { type: 'released' })
    this.#start(held)
  }

  #start(held: HeldDelivery): void {
    const { observers, identity, runners } = this.#options
    this.counts.started += 1
    held.started = true
    if (observers.length > 0) {
      const run = { task: held.task, worker: identity }
      tellObservers(observers, identity.logger, (observer) => observer.taskStarted?.(run))
    }
    if (!isRunnable(held)) return this.#end(held, this.#unregisteredOutcome(held))
    const runner = runners[held.definition.options.isolation]
    void runner.run(held).then((outcome) => this.#end(held, outcome))
  }

  #end(held: HeldDelivery, outcome: Outcome): void {
    if (held.ended) return
    if (held.lost) this.#drop(held)
    else {
      this.#settle(held)
      this.counts[outcome.type] += 1
    }
    // After the outcome was handed over, so that it goes before the next question for tasks.
    held.end(held.lost ? { type: 'released' } : outcome)
    this.#lastEnded = held
    this.#running -= 1
    if (held.started && this.#options.observers.length > 0) this.#tellEnded(held)
    this.#options.onSlotFree()
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #settle(held: HeldDelivery): void {
    this.slots.owe()
    this.#batcher.add(held, (answer) => this.#answered(held, answer))
  }

  #answered(held: HeldDelivery, answer: Result<SettleAnswer>): void {
    this.slots.answered()
    if (!answer.ok && !this.#isGivenUp(answer.error) && this.#isSettledOtherwise(held, answer.error)) return
    if (answer.ok && answer.value === 'superseded') this.#superseded(held)
    this.#forget(held)
    this.#options.onSlotFree()
  }

  /** The worker has ended, and told of what the broker did not take until then. */
  #isGivenUp({ code }: DsError): boolean {
    return this.#closing && code === 'BrokerClosed'
  }

  /** The broker refused an outcome. Where it is the result that it refused, the task ends in ERROR instead. */
  #isSettledOtherwise(held: HeldDelivery, error: DsError): boolean {
    const { logger } = this.#options.identity
    if (WORKER_CANNOT_GO_ON.has(error.code)) this.#options.onFailed(error)
    else if (held.outcome.type === 'done') {
      held.replaceOutcome({ type: 'error', error: toTaskError(error) })
      this.#settle(held)
      return true
    }
    const { id, name } = held.task
    logger.error(`The outcome of ${name} was not taken by the broker; the task runs again when its lease has run out`, {
      task: id,
      error,
    })
    return false
  }

  /** Its lease is lost: nobody waits for its outcome. */
  #drop(held: HeldDelivery): void {
    this.#superseded(held)
    this.#forget(held)
  }

  #superseded(held: HeldDelivery): void {
    this.counts.superseded += 1
    const { id, name, attempt } = held.task
    const message = `The outcome of ${name} was dropped: the task had been given to another worker or was changed meanwhile`
    this.#options.identity.logger.warn(message, { task: id, attempt })
  }

  #forget(held: HeldDelivery): void {
    this.#held.delete(held)
    this.keeper.delete(held)
  }

  #tellEnded(held: HeldDelivery): void {
    const { observers, identity } = this.#options
    const duration = performance.now() - held.startedAt
    const run = { task: held.task, worker: identity, outcome: held.outcome, duration }
    tellObservers(observers, identity.logger, (observer) => observer.taskEnded?.(run))
  }

  #unregisteredOutcome({ task }: HeldDelivery): Outcome {
    const { maxRetries, backoff } = this.#options.unregistered
    const names = [...this.#app.tasks.keys()]
    const error = new UnregisteredTaskError(
      task.name,
      names,
      `Deploy a worker whose App has it, or register it in ${this.#app.name}`,
    )
    if (task.failures >= maxRetries) return { type: 'error', error: toTaskError(error) }
    return { type: 'retry', error: toTaskError(error), delay: backoff(task.failures + 1, error), maxRetries }
  }
}

/** Answers that every other outcome would get as well. */
const WORKER_CANNOT_GO_ON: ReadonlySet<string> = new Set(['BrokerClosed', 'BrokerRefused', 'BrokerMisconfigured'])

function isRunnable(held: HeldDelivery): held is RunnableDelivery {
  return held.definition !== undefined
}
