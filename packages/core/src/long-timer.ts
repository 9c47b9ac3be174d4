/** The longest time a Node timer takes; it treats longer ones as 1 ms. */
const LONGEST = 2 ** 31 - 1

/** A timer for any length of time. */
export class LongTimer {
  readonly #onDue: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(time: number, onDue: () => void) {
    this.#onDue = onDue
    this.#wait(time)
  }

  /** Ends it before it is due. May be called more than once. */
  clear(): void {
    clearTimeout(this.#timer)
  }

  #wait(time: number): void {
    if (time <= LONGEST) this.#timer = setTimeout(this.#onDue, time)
    else this.#timer = setTimeout(() => this.#wait(time - LONGEST), LONGEST)
  }
}
