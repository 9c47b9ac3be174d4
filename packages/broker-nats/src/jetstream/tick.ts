/**
 * Joins what is asked for one by one within a tick, and hands it on as one group when all promise jobs of the tick have run: many calls
 * for one task each become one exchange with the server. No timer is involved.
 */
export class Tick<Item> {
  readonly #run: (items: readonly Item[]) => void
  readonly #most: number
  #items: Item[] = []

  constructor(most: number, run: (items: readonly Item[]) => void) {
    this.#most = most
    this.#run = run
  }

  add(item: Item): void {
    this.#items.push(item)
    if (this.#items.length === 1) queueMicrotask(() => process.nextTick(() => this.flush()))
  }

  /** Hands on what is there without waiting for the end of the tick. */
  flush(): void {
    while (this.#items.length > 0) this.#run(this.#items.splice(0, this.#most))
  }
}
