import type { Entry } from './entry.ts'

/** Payloads of finished tasks that a process keeps at hand, in bytes, roughly: what goes beyond is read again when it is asked for. */
const BUDGET = 64 * 1024 * 1024
/** What one counts for at least. */
const LEAST = 256

/** Which finished tasks have their args and results in memory: those that ended last, up to a budget. */
export class KeptPayloads {
  readonly #sizes = new Map<Entry, number>()
  /** Stands at the oldest. A new iterator would have to pass all places that were given up since the map last grew. */
  #oldest = this.#sizes.entries()
  readonly #budget: number
  #bytes = 0

  constructor(budget: number = BUDGET) {
    this.#budget = budget
  }

  /** To be called when a task has ended. Others may lose what they hold. */
  add(entry: Entry): void {
    if (entry.args === undefined) {
      // Retried after they were dropped: both are read again.
      entry.result = undefined
      return
    }
    const size = LEAST + entry.size
    this.#sizes.set(entry, size)
    this.#bytes += size
    if (this.#bytes > this.#budget) this.#dropOldest()
  }

  /** To be called when it is taken out, or runs again. */
  delete(entry: Entry): void {
    const size = this.#sizes.get(entry)
    if (size === undefined) return
    this.#sizes.delete(entry)
    this.#bytes -= size
  }

  #dropOldest(): void {
    while (this.#bytes > this.#budget) {
      const { value, done } = this.#oldest.next()
      if (done === true) {
        // It has passed everything there was, and sees nothing that comes later.
        if (this.#sizes.size === 0) return
        this.#oldest = this.#sizes.entries()
        continue
      }
      const [entry, size] = value
      this.#sizes.delete(entry)
      this.#bytes -= size
      entry.args = entry.result = undefined
    }
  }
}
