import type { HealthCheck } from '@ds/core'
import type { PermissionViolation } from './errors.ts'
import { toDsError } from './errors.ts'
import type { Link } from './link.ts'

/** Milliseconds that a refused message counts: the next of its kind is refused as well. A refused subscription counts until the connection ends. */
const FRESH = 600_000

/** Of what the server refuses, what is a broker's own and gets no answer. A client may be shared with others, who ask for what they like. */
export interface Unanswered {
  readonly acks: (subject: string) => boolean
  /** Where cancels are told and heard. */
  readonly cancels: string
}

/**
 * What the server does not allow, and nobody waits for an answer to: acks, and broadcasts of cancels. Without them a worker goes on, looks
 * well, and is not: what it has done comes again, and it hears of no cancel.
 */
export class Denials {
  readonly #unanswered: Unanswered
  #message: { readonly error: PermissionViolation; readonly at: number } | undefined
  #subscription: PermissionViolation | undefined

  constructor(link: Link, unanswered: Unanswered) {
    this.#unanswered = unanswered
    link.onDenied((error) => this.#hear(error))
    link.onBreak(() => {
      this.#message = undefined
      this.#subscription = undefined
    })
  }

  /** Undefined while nothing was refused. */
  check(): HealthCheck | undefined {
    const message = this.#message && performance.now() - this.#message.at < FRESH ? this.#message.error : undefined
    const error = this.#subscription ?? message
    return error && { name: 'permissions', ok: false, message: toDsError(error, this.#doing(error)).message }
  }

  #doing({ operation, subject }: PermissionViolation): string {
    if (subject !== this.#unanswered.cancels) return 'acknowledging tasks'
    return operation === 'subscription' ? 'hearing of cancels' : 'telling of cancels'
  }

  #hear(error: PermissionViolation): void {
    const { acks, cancels } = this.#unanswered
    if (error.operation === 'subscription' && error.subject === cancels) this.#subscription = error
    else if (acks(error.subject) || error.subject === cancels) this.#message = { error, at: performance.now() }
  }
}
