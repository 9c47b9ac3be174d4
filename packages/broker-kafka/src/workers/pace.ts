/** How far back the pace looks, in milliseconds: what a claim takes to be written and read back, on a busy machine. */
const WINDOW = 20
/** Below this many tasks in a window, 2,500 a second, the wait for a claim is small beside the tasks themselves. */
const QUICK = 50

/** How fast tasks come and go at a consumer: so many will be asked for while a claim is on its way. */
export class Pace {
  #handedOut = 0
  #settled = 0
  #at = 0

  handedOut(count: number): void {
    this.#fade()
    this.#handedOut += count
  }

  settled(count: number): void {
    this.#fade()
    this.#settled += count
  }

  /** How many tasks to claim beyond those that are asked for: none where tasks take long, so that nobody hoards. */
  ahead(most: number): number {
    this.#fade()
    const pace = Math.min(this.#handedOut, this.#settled)
    return pace < QUICK ? 0 : Math.min(most, Math.ceil(pace))
  }

  #fade(): void {
    const now = performance.now()
    const kept = Math.exp((this.#at - now) / WINDOW)
    this.#handedOut *= kept
    this.#settled *= kept
    this.#at = now
  }
}
