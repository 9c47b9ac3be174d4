import { LongTimer, TaskAbortedError } from '@ds/core'
import type { AbortKind, AnyTaskDefinition, Delivery, Lease, Outcome, Settlement, Task } from '@ds/core'
import type { DeliveryLink } from './context.ts'
import type { HeldLease, LeaseKeeper } from './lease-keeper.ts'
import type { Slots } from './slots.ts'

/** Where a delivery runs, as far as ending it goes. */
export interface AbortTarget {
  /** Fires the handler's signal. */
  abort(reason: TaskAbortedError): void
  /** The handler has not ended `grace` after its signal fired. */
  graceOver(): void
}

/** The parts of a worker a delivery deals with. */
export interface DeliveryOwner {
  readonly keeper: Pick<LeaseKeeper, 'hasNews' | 'flush'>
  readonly slots: Slots
  /** There may be a free slot. */
  wake(): void
}

/** One delivery from its claim to the answer to its outcome. */
export class HeldDelivery implements HeldLease, DeliveryLink, Settlement {
  readonly delivery: Delivery
  /** Undefined where the App has none of that name. */
  readonly definition: AnyTaskDefinition | undefined
  /** By `performance.now()`. */
  readonly startedAt: number = performance.now()
  /** False for what is given back as it comes, for the worker is closing. */
  started = false
  readonly #owner: DeliveryOwner
  #progress = 0
  #aborted: TaskAbortedError | undefined
  #outcome: Outcome | undefined
  #target: AbortTarget | undefined
  #timeout: LongTimer | undefined
  #grace: LongTimer | undefined
  #waits = 0
  #slot: 'held' | 'left' | 'wanted' = 'held'
  #returning: Promise<void> | undefined

  constructor(delivery: Delivery, definition: AnyTaskDefinition | undefined, owner: DeliveryOwner) {
    this.delivery = delivery
    this.definition = definition
    this.#owner = owner
  }

  get lease(): Lease {
    return this.delivery.lease
  }

  get task(): Task {
    return this.delivery.task
  }

  get progress(): number {
    return this.#progress
  }

  /** Why its handler was told to end, if it was. */
  get aborted(): TaskAbortedError | undefined {
    return this.#aborted
  }

  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /** Whether its lease ran out, so that nobody waits for its outcome. */
  get lost(): boolean {
    return this.#aborted?.kind === 'lease-lost'
  }

  get outcome(): Outcome {
    return this.#outcome ?? { type: 'released' }
  }

  /** Its handler starts, perhaps once more: from now on it can be told to end, and its timeout counts. */
  begin(target: AbortTarget): void {
    this.#target = target
    this.#timeout?.clear()
    if (this.#aborted) return this.#tellTarget(this.#aborted)
    const timeout = this.definition?.options.timeout
    if (timeout !== undefined) {
      this.#timeout = new LongTimer(timeout, () => this.abort('timeout', `It did not end within ${timeout} ms`))
    }
  }

  /** Tells its handler to end. Only the first reason counts; a lost lease counts always. */
  abort(kind: AbortKind, message: string): void {
    if (this.ended) return
    const first = this.#aborted === undefined
    if (!first && kind !== 'lease-lost') return
    this.#aborted = new TaskAbortedError(kind, message)
    this.#timeout?.clear()
    if (first && this.#target) this.#tellTarget(this.#aborted)
  }

  /** Ends it with this outcome. False when it had ended before. */
  end(outcome: Outcome): boolean {
    if (this.ended) return false
    this.#outcome = outcome
    this.#timeout?.clear()
    this.#grace?.clear()
    if (this.#slot === 'held') this.#leaveSlot()
    return true
  }

  /** Of one that has ended: its outcome cannot be had, this one takes its place. */
  replaceOutcome(outcome: Outcome): void {
    this.#outcome = outcome
  }

  onCancelRequested(): void {
    this.abort('cancelled', 'It was cancelled')
  }

  onLeaseLost(): void {
    this.abort('lease-lost', 'Its lease ran out, and the task is no longer this worker’s')
  }

  report(fraction: number): void {
    if (this.ended) return
    this.#progress = fraction
    this.#owner.keeper.hasNews(this)
  }

  flush(): void {
    if (!this.ended) this.#owner.keeper.flush(this)
  }

  /** Its handler waits for a subtask: its slot is free until it goes on. */
  suspend(): void {
    this.#waits += 1
    if (this.#waits > 1 || this.#slot !== 'held') return
    this.#leaveSlot()
    this.#owner.wake()
  }

  /** Resolves when it has a slot again, or goes on waiting for something else. */
  async resume(): Promise<void> {
    this.#waits -= 1
    if (this.#waits > 0 || this.#slot === 'held' || this.ended) return
    this.#returning ??= this.#return()
    await this.#returning
  }

  async #return(): Promise<void> {
    this.#slot = 'wanted'
    await this.#owner.slots.return()
    this.#returning = undefined
    this.#slot = 'held'
    // It may have ended meanwhile, or another part of it waits again.
    if (!this.ended && this.#waits === 0) return
    this.#leaveSlot()
    this.#owner.wake()
  }

  #leaveSlot(): void {
    this.#slot = 'left'
    this.#owner.slots.leave()
  }

  #tellTarget(reason: TaskAbortedError): void {
    this.#target?.abort(reason)
    const grace = this.definition?.options.grace ?? 0
    this.#grace = new LongTimer(grace, () => this.#target?.graceOver())
  }
}
