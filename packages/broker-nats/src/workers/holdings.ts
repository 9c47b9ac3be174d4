import type { Stored } from '../records/codec.ts'
import type { Delivered } from '../jetstream/pull.ts'

/** A task this consumer runs. */
export interface Holding {
  readonly entry: Delivered
  readonly claim: string
  /** The record as this consumer last knew it. */
  stored: Stored
  /** The renewal that is under way. Own writes wait for each other, or they would find each other's revisions. */
  renewing?: Promise<unknown>
  /** Its outcome is on its way: a renewal would only be in its way. */
  settling?: boolean
}

const FIRST_WAIT = 200
const WAIT_STEP = 5
const LONGEST_WAIT = 5000

/** What a consumer holds, by the nonce of the claim, and which of it has lost a worker before: one at a time. */
export class Holdings {
  readonly #held = new Map<string, Holding>()
  #suspect: string | undefined
  #refused = 0

  get takesSuspects(): boolean {
    return this.#suspect === undefined
  }

  get(claim: string): Holding | undefined {
    return this.#held.get(claim)
  }

  /** The one that runs this attempt of this task. */
  find(id: string, attempt: number): Holding | undefined {
    for (const holding of this.#held.values()) {
      const { task } = holding.stored.record
      if (task.id === id && task.attempt === attempt) return holding
    }
    return undefined
  }

  add(holding: Holding): void {
    this.#held.set(holding.claim, holding)
  }

  /** Keeps the place of the suspect for a claim that is under way. */
  reserve(claim: string): void {
    this.#suspect = claim
    this.#refused = 0
  }

  /** Lets go of what a claim holds or has reserved. */
  release(claim: string): void {
    this.#held.delete(claim)
    if (this.#suspect === claim) this.#suspect = undefined
  }

  /** Whether the place of the suspect is free, or this claim's own. */
  admits(claim: string): boolean {
    return this.#suspect === undefined || this.#suspect === claim
  }

  /** How long a suspect that cannot be taken stays away: the longer, the more of them there are. */
  refusalWait(): number {
    this.#refused += 1
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT + WAIT_STEP * this.#refused)
    return Math.round(wait * (0.8 + 0.4 * Math.random()))
  }
}
