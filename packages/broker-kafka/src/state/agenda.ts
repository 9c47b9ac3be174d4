/** Items that wait for a time, soonest first. Those that are added mostly wait longer than those that are there. */
export class Agenda<Item> {
  readonly #times: number[] = []
  readonly #items: Item[] = []

  get length(): number {
    return this.#items.length
  }

  /** When the soonest is due. */
  get next(): number | undefined {
    return this.#times[0]
  }

  add(item: Item, at: number): void {
    const index = this.#firstAfter(at)
    this.#times.splice(index, 0, at)
    this.#items.splice(index, 0, item)
  }

  /** Takes out an item that was added for this time. */
  remove(item: Item, at: number): void {
    for (let index = this.#firstAfter(at) - 1; this.#times[index] === at; index--) {
      if (this.#items[index] !== item) continue
      this.#times.splice(index, 1)
      this.#items.splice(index, 1)
      return
    }
  }

  /** Takes out what is due, in the order of the times. */
  takeDue(now: number): Item[] {
    if (this.#times[0] === undefined || this.#times[0] > now) return []
    const count = this.#firstAfter(now)
    this.#times.splice(0, count)
    return this.#items.splice(0, count)
  }

  #firstAfter(at: number): number {
    let [low, high] = [0, this.#times.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#times[middle] ?? 0) <= at) low = middle + 1
      else high = middle
    }
    return low
  }
}
