import type { HealthCheck } from '@ds/core'
import type { PermissionViolation } from './errors.ts'
import { toDsError } from './errors.ts'
import type { Link } from './link.ts'

/** Milliseconds that a refused message counts: the next of its kind is refused as well. A refused subscription counts until the connection ends. */
const FRESH = 60_000

/**
 * What the server does not allow, and nobody waits for an answer to: acks, broadcasts, subscriptions. Without them a worker goes on, looks
 * well, and is not: what it has done comes again, and it hears of no cancel.
 */
export class Denials {
  readonly #isUnanswered: (subject: string) => boolean
  #message: { readonly error: PermissionViolation; readonly at: number } | undefined
  #subscription: PermissionViolation | undefined

  /** `isUnanswered` says of a subject that is published to whether nothing is answered there. */
  constructor(link: Link, isUnanswered: (subject: string) => boolean) {
    this.#isUnanswered = isUnanswered
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
    return error && { name: 'permissions', ok: false, message: toDsError(error, 'a worker').message }
  }

  #hear(error: PermissionViolation): void {
    if (error.operation === 'subscription') this.#subscription = error
    else if (this.#isUnanswered(error.subject)) this.#message = { error, at: performance.now() }
  }
}
