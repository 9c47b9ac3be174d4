/** After so many records in a row that were known from elsewhere there is a rest, in milliseconds. */
const MANY_STALE = 3
const REST = 5

/** Slows a loop down whose answers bring nothing new. */
export class Rest {
  #stale = 0
  #timer: NodeJS.Timeout | undefined

  /** How many known records the last answer brought; 0 where it brought news, or nothing. */
  heard(stale: number): void {
    this.#stale = stale === 0 ? 0 : this.#stale + stale
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
