import { performance } from 'node:perf_hooks'

/**
 * The server's clock, as far as it can be known here: its distance from this process's own, taken from the stored time of a message
 * that was just written. Steps of this machine's clock do not move it.
 */
export class Clock {
  #offset: number | undefined
  #setAt = 0

  /** Milliseconds since 1970 at the server. */
  now(): number {
    const local = performance.timeOrigin + performance.now()
    return Math.round(local + (this.#offset ?? 0))
  }

  /** Age of what is known, in milliseconds. */
  get age(): number {
    return this.#offset === undefined ? Infinity : performance.now() - this.#setAt
  }

  /** Takes the time at which the server stored something that was sent and answered at these times of `performance.now()`. */
  set(stored: number, sentAt: number, answeredAt: number): void {
    this.#offset = stored - (performance.timeOrigin + (sentAt + answeredAt) / 2)
    this.#setAt = performance.now()
  }
}
