/** A first-in first-out list whose `shift` costs the same however long it is. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #first = 0

  /** How many items it holds. */
  get length(): number {
    return this.#items.length - this.#first
  }

  /** Puts an item at the end. */
  push(item: Item): void {
    this.#items.push(item)
  }

  /** The oldest item, which stays; undefined when there is none. */
  peek(): Item | undefined {
    return this.#items[this.#first]
  }

  /** Lets go of all items but those that pass; their order stays. */
  keep(passes: (item: Item) => boolean): void {
    this.#items = this.#items.slice(this.#first).filter((item) => item !== undefined && passes(item))
    this.#first = 0
  }

  /** Takes the oldest item out; undefined when there is none. */
  shift(): Item | undefined {
    if (this.#first === this.#items.length) return undefined
    const item = this.#items[this.#first]
    this.#items[this.#first] = undefined
    this.#first += 1
    // Give the front back once it is most of the array: each item is moved at most once on average.
    if (this.#first >= 1024 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }
}
