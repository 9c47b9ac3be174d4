/** What can stand in a chain, in one at a time. */
export interface Link<Item extends Link<Item>> {
  chain: Chain<Item> | undefined
  before: Item | undefined
  after: Item | undefined
}

/** Items in the order in which they came, each of which can leave from anywhere at the same small cost. */
export class Chain<Item extends Link<Item>> {
  #first: Item | undefined
  #last: Item | undefined
  length = 0

  get first(): Item | undefined {
    return this.#first
  }

  push(item: Item): void {
    item.chain?.remove(item)
    item.chain = this
    item.before = this.#last
    item.after = undefined
    if (this.#last) this.#last.after = item
    else this.#first = item
    this.#last = item
    this.length += 1
  }

  remove(item: Item): void {
    if (item.chain !== this) return
    if (item.before) item.before.after = item.after
    else this.#first = item.after
    if (item.after) item.after.before = item.before
    else this.#last = item.before
    item.chain = item.before = item.after = undefined
    this.length -= 1
  }
}
