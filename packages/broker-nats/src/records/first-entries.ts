import { encodeEntryOf, firstRecordIn, UndecodableRecord } from './codec.ts'
import type { Stored, TaskRecord } from './codec.ts'
import type { Link } from '../jetstream/link.ts'
import { entrySubject } from '../names.ts'
import type { Names } from '../names.ts'
import { parkEntry } from './parked.ts'
import type { Parked } from './parked.ts'
import { publishIfExpected } from '../jetstream/publish.ts'
import type { Queues } from './queues.ts'
import { StreamReader } from '../jetstream/stream-reader.ts'

export interface FirstEntriesParts {
  readonly link: Link
  readonly names: Names
  readonly queues: Queues
  readonly parked: Parked
  readonly replicated: () => boolean
}

/**
 * New tasks that nobody has changed yet. Such a task is one message: its entry, with its first record in it. The record gets a subject of
 * its own with the first change, which expects that there is none.
 */
export class FirstEntries {
  readonly #parts: FirstEntriesParts
  readonly #reader: StreamReader

  constructor(parts: FirstEntriesParts) {
    this.#parts = parts
    this.#reader = new StreamReader(parts.link, parts.names.tasks, parts.replicated)
  }

  /** Stores and queues a task whose id no other has. The same one sent again changes nothing. */
  async add(record: TaskRecord): Promise<void> {
    const { link, names, queues } = this.#parts
    const { queue, id } = record.task
    await queues.ensure(queue)
    const body = encodeEntryOf({ record, revision: 0 }, Infinity)
    await publishIfExpected(link, { subject: entrySubject(names, queue, id), body, expected: 0 }, 'storing a task')
  }

  /** The task as it was submitted, in whatever queue, with no revision to expect. */
  async read(id: string): Promise<Stored | undefined> {
    const { queues } = this.#parts
    const { known } = queues
    const record = (await this.#readIn(id, known)) ?? (await this.#readInOthers(id, known))
    return record && { record, revision: 0 }
  }

  async #readInOthers(id: string, known: readonly string[]): Promise<TaskRecord | undefined> {
    const { queues } = this.#parts
    await queues.discover()
    return this.#readIn(
      id,
      queues.known.filter((queue) => !known.includes(queue)),
    )
  }

  async #readIn(id: string, queues: readonly string[]): Promise<TaskRecord | undefined> {
    const found = await Promise.all(queues.map((queue) => this.#readFrom(id, queue)))
    return found.find((record) => record !== undefined)
  }

  async #readFrom(id: string, queue: string): Promise<TaskRecord | undefined> {
    const message = await this.#reader.newest(entrySubject(this.#parts.names, queue, id), 'looking for a new task')
    if (!message) return undefined
    try {
      return firstRecordIn(message.bytes)
    } catch (error) {
      if (!(error instanceof UndecodableRecord)) throw error
      await parkEntry(this.#parts, { queue, ...message }, error.message)
      return undefined
    }
  }
}
