import type { Entry } from './entry.ts'

/** Payloads of finished tasks that a process keeps at hand, in bytes, roughly: what goes beyond is read again when it is asked for. */
const BUDGET = 64 * 1024 * 1024
/** What one counts for at least. */
const LEAST = 256

/** Which finished tasks have their args and results in memory: those that ended last, up to a budget. */
export class KeptPayloads {
  readonly #sizes = new Map<Entry, number>()
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
    for (const [entry, size] of this.#sizes) {
      if (this.#bytes <= this.#budget) return
      this.#sizes.delete(entry)
      this.#bytes -= size
      entry.args = entry.result = undefined
    }
  }
}
