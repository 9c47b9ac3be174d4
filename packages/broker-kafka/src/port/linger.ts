/** Fewer than one for so many of the last request are few. */
const SHARE = 4
/** How long after a request another is compared to it, in milliseconds. */
const RECENT = 50
/** How long a few wait for others, in milliseconds. */
const LONGEST = 5

/**
 * Holds a few back that come shortly after many. Where tasks come and go together, those that are a little behind would for ever travel
 * between them, in requests of their own. Whoever is alone never waits.
 */
export class Linger {
  #lastCount = 0
  #lastAt = -Infinity
  #over = false
  #timer: NodeJS.Timeout | undefined

  /** Whether to send `count` records now. If not, `goOn` is called a moment later, and the answer will be yes. */
  maySend(count: number, goOn: () => void): boolean {
    const now = performance.now()
    if (!this.#over && count * SHARE < this.#lastCount && now - this.#lastAt < RECENT) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.#over = true
        goOn()
      }, LONGEST)
      return false
    }
    this.stop()
    this.#over = false
    this.#lastCount = count
    this.#lastAt = now
    return true
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
