import type { Appended, LogEntry, LogRecord } from '../port/log-port.ts'
import { fold } from './fold.ts'
import type { Partition } from './partition.ts'

/**
 * What this process has written to a partition and not read back. Whoever has folded everything below a record of its own, and knows its
 * place, knows what the log says to it: it need not wait until the log gives it back.
 */
export class OwnRecords {
  readonly #unread = new Map<number, LogEntry>()
  #end = 0

  /** Behind the last one that is known to be written. */
  get end(): number {
    return this.#end
  }

  /** A record was written; `from` is where the partition has been folded to, undefined where nobody follows it. */
  note({ value }: LogRecord, { offset, appendedAt, key }: Appended, from: number | undefined): void {
    if (offset >= this.#end) this.#end = offset + 1
    if (from === undefined || appendedAt === undefined || offset < from) return
    this.#unread.set(offset, { offset, timestamp: appendedAt, key, value, headers: {} })
  }

  /** Folds those that come next. Whether there were any. */
  foldInto(part: Partition): boolean {
    const from = part.position
    for (let entry = this.#take(from); entry; entry = this.#take(part.position)) {
      fold(part, entry)
      part.position = entry.offset + 1
    }
    return part.position > from
  }

  /** Forgets what was read from the log meanwhile. */
  forgetBelow(position: number): void {
    for (const offset of this.#unread.keys()) if (offset < position) this.#unread.delete(offset)
  }

  clear(): void {
    this.#unread.clear()
  }

  #take(offset: number): LogEntry | undefined {
    const entry = this.#unread.get(offset)
    if (entry) this.#unread.delete(offset)
    return entry
  }
}
