import type { CancelNotice, Delivery, Settlement } from '@ds/core'
import type { Claimed, Held } from './deliveries.ts'
import type { Notice } from './notices.ts'

export interface HoldingsOptions {
  /** Milliseconds. */
  readonly lease: number
  readonly onCancel: (notice: CancelNotice) => void
}

/** What a consumer has claimed and not settled yet. */
export class Holdings {
  readonly #options: HoldingsOptions
  readonly #held = new Map<string, Held>()
  /** Broadcasts about what the worker does not have yet, or may be about. */
  readonly #early = new Map<string, Notice>()
  #suspect: Held | undefined

  constructor(options: HoldingsOptions) {
    this.#options = options
  }

  /** The stream entries of all that is held. */
  get entries(): string[] {
    return [...this.#held.values()].map(({ entry }) => entry)
  }

  /** One suspect at a time. One that nobody has renewed for two leases is no longer ours. */
  get mayTakeSuspect(): boolean {
    return this.#suspect === undefined || this.#suspect.renewedAt + 2 * this.#options.lease < Date.now()
  }

  add({ delivery, held }: Claimed): void {
    this.#held.set(delivery.task.id, held)
    if (held.suspect) this.#suspect = held
  }

  renewed(id: string, attempt: number): void {
    const held = this.#held.get(id)
    if (held?.attempt === attempt) held.renewedAt = Date.now()
  }

  /** Says whether that was the suspect, so that another one may be taken. */
  letGo(id: string, attempt: number): boolean {
    const held = this.#held.get(id)
    if (held?.attempt !== attempt) return false
    this.#held.delete(id)
    if (held !== this.#suspect) return false
    this.#suspect = undefined
    return true
  }

  /** A cancel was broadcast. Where a claim is under way, it may be about a task that the worker does not have yet. */
  notify(notice: Notice, claiming: boolean): void {
    const held = this.#held.get(notice.taskId)
    const known = held?.attempt === notice.attempt && held.incarnation === notice.incarnation
    if (known && !Number.isNaN(held.handedAt)) this.#tell(notice)
    else if (known || claiming) this.#early.set(notice.taskId, notice)
  }

  /** The worker gets these now: tells it of what was broadcast before. `last`: nothing else is on its way to it. */
  handOut(deliveries: readonly Delivery[], last: boolean): void {
    const now = performance.now()
    for (const { task } of deliveries) {
      const held = this.#held.get(task.id)
      if (held?.attempt === task.attempt) held.handedAt = now
      if (this.#early.size > 0) this.#tellLate(task)
    }
    if (last) this.#early.clear()
  }

  /** How long ago those of these that were handed out were, on average, and how many they are. */
  turnaround(items: readonly Settlement[]): { count: number; average: number } {
    const now = performance.now()
    let count = 0
    let sum = 0
    for (const { lease } of items) {
      const handedAt = this.#held.get(lease.id)?.handedAt ?? NaN
      if (Number.isNaN(handedAt)) continue
      count += 1
      sum += now - handedAt
    }
    return { count, average: count === 0 ? 0 : sum / count }
  }

  #tellLate({ id, attempt, incarnation }: Delivery['task']): void {
    const notice = this.#early.get(id)
    if (notice?.attempt !== attempt || notice.incarnation !== incarnation) return
    setImmediate(() => this.#tell(notice))
  }

  #tell({ taskId, attempt, requeue }: Notice): void {
    this.#options.onCancel({ taskId, attempt, requeue })
  }
}
