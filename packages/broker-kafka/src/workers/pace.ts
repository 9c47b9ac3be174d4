/** How far back the pace looks, in milliseconds: what a claim takes to be written and read back, on a busy machine. */
const WINDOW = 20
/** From this many tasks in a window on, 2,500 a second, the wait for a claim is long beside the tasks themselves. */
const MANY = 50
/** Tasks that take less than this on average are quick, however few of them run at a time. Milliseconds. */
const QUICK = 5
/** What a task is taken to last before any has ended, in milliseconds. */
const UNKNOWN = 100
/** What one task counts for in the average. */
const WEIGHT = 0.1

/** How fast tasks come and go at a consumer: so many will be asked for while a claim is on its way. */
export class Pace {
  #handedOut = 0
  #settled = 0
  #at = 0
  #average = UNKNOWN

  handedOut(count: number): void {
    this.#fade()
    this.#handedOut += count
  }

  /** A task was settled so long after it was handed out, in milliseconds. */
  settled(duration: number): void {
    this.#fade()
    this.#settled += 1
    this.#average += WEIGHT * (duration - this.#average)
  }

  /** How many tasks to claim beyond those that are asked for: none where tasks take long, so that nobody hoards. */
  ahead(most: number): number {
    this.#fade()
    const pace = Math.min(this.#handedOut, this.#settled)
    const isQuick = pace >= MANY || (pace >= 1 && this.#average < QUICK)
    return isQuick ? Math.min(most, Math.ceil(pace)) : 0
  }

  #fade(): void {
    const now = performance.now()
    if (now === this.#at) return
    const kept = Math.exp((this.#at - now) / WINDOW)
    this.#handedOut *= kept
    this.#settled *= kept
    this.#at = now
  }
}
