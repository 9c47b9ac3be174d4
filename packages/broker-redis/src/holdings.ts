import type { CancelNotice, Delivery } from '@ds/core'
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
  /** Broadcasts that came while a claim was under way: they may be about what it claims. */
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

  /** A cancel was broadcast. Where a claim is under way, it may be about a task that is not known to be held yet. */
  notify(notice: Notice, claiming: boolean): void {
    const held = this.#held.get(notice.taskId)
    if (held?.attempt === notice.attempt && held.incarnation === notice.incarnation) this.#tell(notice)
    else if (claiming) this.#early.set(notice.taskId, notice)
  }

  /** Tells of what was broadcast before these were known, once the worker has them. */
  tellEarly(deliveries: readonly Delivery[]): void {
    if (this.#early.size === 0) return
    for (const { task } of deliveries) {
      const notice = this.#early.get(task.id)
      if (notice?.attempt !== task.attempt || notice.incarnation !== task.incarnation) continue
      setImmediate(() => this.#tell(notice))
    }
    this.#early.clear()
  }

  #tell({ taskId, attempt, requeue }: Notice): void {
    this.#options.onCancel({ taskId, attempt, requeue })
  }
}
