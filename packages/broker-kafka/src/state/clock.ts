/** How long the best sample counts, in milliseconds. Clocks drift apart. */
const FRESH = 30_000

/**
 * The server's clock, as the append times of own records tell it. It never runs ahead of the server's by more than drift: a record
 * was appended before its answer came, so that the largest difference seen is the nearest to the truth, from below.
 */
export class ServerClock {
  #offset: number | undefined
  #sampledAt = 0

  /** Takes in when the server says that it appended a record whose answer came just now. */
  sample(appendedAt: number): void {
    const local = Date.now()
    const offset = appendedAt - local
    if (this.#offset !== undefined && offset < this.#offset && local - this.#sampledAt < FRESH) return
    this.#offset = offset
    this.#sampledAt = local
  }

  /** Milliseconds since 1970 by the server's clock. */
  now(): number {
    return Date.now() + (this.#offset ?? 0)
  }
}
