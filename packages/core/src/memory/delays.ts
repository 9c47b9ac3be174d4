import type { Entry } from './ledger.ts'

/** A task and the time it was put here for. */
export interface Delayed {
  readonly entry: Entry
  readonly runAt: number
}

/** The waiting delays, soonest first: a binary heap. */
export class Delays {
  #heap: Delayed[] = []

  get length(): number {
    return this.#heap.length
  }

  /** When the soonest is due. */
  get next(): number | undefined {
    return this.#heap[0]?.runAt
  }

  add(entry: Entry, runAt: number): void {
    const heap = this.#heap
    heap.push({ entry, runAt })
    let index = heap.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at(parent) <= this.#at(index)) break
      this.#swap(parent, index)
      index = parent
    }
  }

  /** Lets go of all but those that pass. */
  keep(passes: (delayed: Delayed) => boolean): void {
    // What is sorted is a heap.
    this.#heap = this.#heap.filter(passes).sort((a, b) => a.runAt - b.runAt)
  }

  /** Takes out the soonest if it is due. */
  takeDue(now: number): Delayed | undefined {
    const [soonest] = this.#heap
    if (!soonest || soonest.runAt > now) return undefined
    const last = this.#heap.pop()
    if (last && last !== soonest) {
      this.#heap[0] = last
      this.#sink()
    }
    return soonest
  }

  #sink(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const child = this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (this.#at(child) >= this.#at(index)) return
      this.#swap(child, index)
      index = child
    }
  }

  #at(index: number): number {
    return this.#heap[index]?.runAt ?? Infinity
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (!first || !second) return
    this.#heap[a] = second
    this.#heap[b] = first
  }
}
