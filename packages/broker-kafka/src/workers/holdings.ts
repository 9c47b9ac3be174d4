import type { StateView } from '../state/state-view.ts'
import type { Entry } from '../state/entry.ts'

/** A task that a consumer holds. */
export interface Holding {
  readonly entry: Entry
  readonly claim: string
  readonly attempt: number
  /** When it was claimed or a renewal named it last, by this process's clock. */
  namedAt: number
  /** When it was handed out, by the clock of `performance`. */
  handedOutAt: number
  /** Its outcome is on its way, or stands. */
  settled: boolean
}

/** What a consumer holds, by claim. The partitions of what is held are read until the log has ended the claim. */
export class Holdings {
  readonly #view: StateView
  readonly #held = new Map<string, Holding>()
  #suspect: string | undefined

  constructor(view: StateView) {
    this.#view = view
  }

  /** Whether a task is held that has lost a worker before. */
  get hasSuspect(): boolean {
    return this.#suspect !== undefined
  }

  get size(): number {
    return this.#held.size
  }

  get(claim: string): Holding | undefined {
    return this.#held.get(claim)
  }

  all(): Iterable<Holding> {
    return this.#held.values()
  }

  /** The partitions that something is held of. */
  partitions(): Set<number> {
    return new Set([...this.#held.values()].map(({ entry }) => entry.partition))
  }

  /** To be called before a claim is written, so that its answer is read. */
  prepare(entry: Entry, claim: string): void {
    this.#view.want(entry.partition)
    if (entry.task.crashes > 0) this.#suspect = claim
  }

  add(entry: Entry, claim: string): Holding {
    const holding = { entry, claim, attempt: entry.task.attempt, namedAt: Date.now(), handedOutAt: 0, settled: false }
    this.#held.set(claim, holding)
    return holding
  }

  /** The claim did not come to be, or was ended. */
  end(entry: Entry, claim: string): void {
    this.#held.delete(claim)
    this.#view.letGo(entry.partition)
    if (this.#suspect === claim) this.#suspect = undefined
  }
}
