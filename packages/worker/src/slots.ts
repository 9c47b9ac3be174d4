/**
 * How many deliveries a worker may hold: at most `limit` that run, and with those whose outcome was handed over and is not answered yet
 * at most twice as many. Who waits for a subtask does not count, and comes before new deliveries when it goes on.
 */
export class Slots {
  readonly limit: number
  readonly #onCrowded: () => void
  #running = 0
  #unanswered = 0
  #asked = 0
  readonly #returning: (() => void)[] = []

  /** `onCrowded` is called when a returning delivery took a slot that a receive under way had been promised. */
  constructor(limit: number, onCrowded: () => void = () => undefined) {
    this.limit = limit
    this.#onCrowded = onCrowded
  }

  get running(): number {
    return this.#running
  }

  get unanswered(): number {
    return this.#unanswered
  }

  /** How many deliveries may be asked for now. */
  get free(): number {
    const free = Math.min(this.limit - this.#running, 2 * this.limit - this.#running - this.#unanswered)
    return Math.max(0, free - this.#asked)
  }

  /** A receive of so many is under way. */
  ask(count: number): void {
    this.#asked = count
  }

  /** It brought so many deliveries, and each has a slot now. */
  take(count: number): void {
    this.#asked = 0
    this.#running += count
  }

  /** A running delivery ended, or waits for a subtask. */
  leave(): void {
    const next = this.#returning.shift()
    if (next) next()
    else this.#running -= 1
  }

  /** An outcome was handed over. */
  owe(): void {
    this.#unanswered += 1
  }

  /** It was answered. */
  answered(): void {
    this.#unanswered -= 1
  }

  /** A delivery that left goes on: resolves when it has a slot, in the order of the calls. */
  return(): Promise<void> {
    if (this.#running >= this.limit) return new Promise((resolve) => this.#returning.push(resolve))
    this.#running += 1
    if (this.#running + this.#asked > this.limit) this.#onCrowded()
    return Promise.resolve()
  }
}
