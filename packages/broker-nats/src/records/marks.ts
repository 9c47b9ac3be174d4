import type { Clock } from '../jetstream/clock.ts'
import { isOutOfRoom } from '../jetstream/errors.ts'
import type { Link } from '../jetstream/link.ts'
import type { StreamReader } from '../jetstream/stream-reader.ts'
import { logSubjects, markSubject } from '../names.ts'
import type { Names } from '../names.ts'

export interface MarksParts {
  readonly link: Link
  readonly names: Names
  readonly reader: StreamReader
  /** Names this process's own marks. */
  readonly process: string
}

/**
 * What a process writes among the records to learn where their log ends and what time it is at the server. A server that has no room left
 * for it is asked instead, so that tasks can be read and removed there.
 */
export class Marks {
  readonly #parts: MarksParts

  constructor(parts: MarksParts) {
    this.#parts = parts
  }

  /** Sequence that the log has reached: all that was written before has a lower one. The message itself may be gone before it was read. */
  async end(): Promise<number> {
    const { names, reader } = this.#parts
    const mark = await this.#write('marking the log')
    return mark ?? (await reader.last(logSubjects(names), 'looking for the end of the log'))?.sequence ?? 0
  }

  /** Whether the server takes another message. */
  async hasRoom(): Promise<boolean> {
    return (await this.#write('asking for its health')) !== undefined
  }

  /** Sets a clock by the server's. One before 2.10 that has no room left does not say what time it is: the clock stays as it was. */
  async setClock(clock: Clock): Promise<void> {
    const { reader } = this.#parts
    const sentAt = performance.now()
    const sequence = await this.#write('reading the clock')
    const answeredAt = performance.now()
    if (sequence === undefined) return this.#setByAnswer(clock)
    const mark = await reader.at(sequence, 'reading the clock')
    if (mark) clock.set(mark.time, sentAt, answeredAt)
  }

  async #setByAnswer(clock: Clock): Promise<void> {
    const { link, names } = this.#parts
    const sentAt = performance.now()
    // The client's type does not know of it.
    const info: { ts?: string } = await link.call('reading the clock', () => link.manager.streams.info(names.tasks))
    if (info.ts !== undefined) clock.set(Date.parse(info.ts), sentAt, performance.now())
  }

  /** Gives its sequence; undefined where there is no room for it. */
  async #write(doing: string): Promise<number | undefined> {
    const { link, names, process } = this.#parts
    try {
      return (await link.call(doing, () => link.js.publish(markSubject(names, process), ''))).seq
    } catch (error) {
      if (isOutOfRoom(error)) return undefined
      throw error
    }
  }
}
