/** After so many answers in a row with nothing but what is known from elsewhere there is a rest, in milliseconds. */
const MANY_STALE = 5
const REST = 5

/** Slows a loop down whose answers bring nothing new. */
export class Rest {
  #stale = 0
  #timer: NodeJS.Timeout | undefined

  /** What the last answer brought. */
  heard(isStale: boolean): void {
    this.#stale = isStale ? this.#stale + 1 : 0
  }

  /** Calls `goOn`: at once, or after a rest. */
  restOr(goOn: () => void): void {
    if (this.#stale < MANY_STALE) return goOn()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      goOn()
    }, REST)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
