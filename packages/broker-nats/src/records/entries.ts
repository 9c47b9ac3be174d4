import type { Task } from '@ds/core'
import { decodeEntry, encodeEntry, encodeEntryOf, UndecodableRecord } from './codec.ts'
import type { Entry, Stored, TaskRecord } from './codec.ts'
import { deleteMessage } from '../jetstream/delete-message.ts'
import type { Link } from '../jetstream/link.ts'
import { delayedSubject, encodeToken, entrySubject } from '../names.ts'
import type { Names } from '../names.ts'
import { parkEntry } from './parked.ts'
import type { Parked } from './parked.ts'
import { publishIfExpected, publishOnce } from '../jetstream/publish.ts'
import type { Records } from './records.ts'
import { StreamReader } from '../jetstream/stream-reader.ts'
import type { NewestMessage } from '../jetstream/stream-reader.ts'

/** An entry: the stream it is in, and its sequence there. */
export interface PlaceOfEntry {
  readonly stream: string
  readonly sequence: number
}

export interface EntriesParts {
  readonly link: Link
  readonly names: Names
  readonly records: Records
  readonly parked: Parked
  readonly replicated: () => boolean
}

/** The entries of tasks that have a record of their own: a message each, in its queue or among those that wait for their time. */
export class Entries {
  readonly #parts: EntriesParts
  readonly #queued: StreamReader
  readonly #delayed: StreamReader

  constructor(parts: EntriesParts) {
    const { link, names, replicated } = parts
    this.#parts = parts
    this.#queued = new StreamReader(link, names.tasks, replicated)
    this.#delayed = new StreamReader(link, names.delayed, replicated)
  }

  /** Queues a task whose record says QUEUED, or one that runs and has lost its entry. One with the same ticket stays as it is. */
  async add(stored: Stored): Promise<void> {
    const { link, names } = this.#parts
    const { task, ticket } = stored.record
    const { id, queue, runAt } = task
    if (!isDelayed(stored.record)) return this.#put({ id, queue, ticket, body: encodeEntryOf(stored) })
    const body = encodeEntry({ schema: 1, id, ticket, ...(runAt !== undefined && { runAt }) })
    // Once for this queueing; another life of the task has another revision.
    const name = `${encodeToken(id)}/${stored.revision}`
    await publishOnce(link, { subject: delayedSubject(names, queue, id), body, name }, QUEUEING)
  }

  /** Queues a task whose submitter may have died in between: never started, and without an entry. One in its first entry needs none. */
  async mend(stored: Stored): Promise<void> {
    const { state, attempt } = stored.record.task
    if (stored.revision === 0) return
    if (state === 'QUEUED' && attempt === 0 && (await this.find(stored.record)) === undefined) await this.add(stored)
  }

  /** Puts a delayed entry into its queue. */
  promote(queue: string, { id, ticket }: Entry): Promise<void> {
    return this.#put({ id, queue, ticket, body: encodeEntry({ schema: 1, id, ticket }) })
  }

  /** Where the entry that a record stands for is. */
  async find(record: TaskRecord): Promise<PlaceOfEntry | undefined> {
    const { names } = this.#parts
    const { queue, id } = record.task
    const queued = { reader: this.#queued, stream: names.tasks, subject: entrySubject(names, queue, id) }
    const waiting = await findAt(queued, record)
    if (waiting !== undefined || !isDelayed(record)) return waiting
    const subject = delayedSubject(names, queue, id)
    return findAt({ reader: this.#delayed, stream: names.delayed, subject }, record)
  }

  /** Takes one out of its queue, if it is still there. */
  async remove({ stream, sequence }: PlaceOfEntry): Promise<void> {
    await deleteMessage(this.#parts.link, stream, sequence)
  }

  /** Writes one over itself, so that it is given out as a new one. */
  async renew({ record: { task } }: Stored, { sequence }: PlaceOfEntry): Promise<void> {
    const { link, names } = this.#parts
    const message = await this.#queued.newest(entrySubject(names, task.queue, task.id), LOOKING)
    if (message?.sequence !== sequence) return
    await publishIfExpected(link, { subject: message.subject, body: message.bytes, expected: sequence }, QUEUEING)
  }

  /** Where an entry of that id is in its queue, whatever its ticket. */
  async locate({ queue, id }: Pick<Task, 'queue' | 'id'>): Promise<PlaceOfEntry | undefined> {
    const { names } = this.#parts
    const message = await this.#queued.newest(entrySubject(names, queue, id), LOOKING)
    return message && { stream: names.tasks, sequence: message.sequence }
  }

  /**
   * Writes an entry unless one with its ticket is there: that may be held, and whoever holds it would lose it. One with another ticket is
   * written over where the record says that ours is the current one.
   */
  async #put({
    id,
    queue,
    ticket,
    body,
  }: Pick<Task, 'id' | 'queue'> & Pick<Entry, 'ticket'> & { body: string }): Promise<void> {
    const { link, names, records } = this.#parts
    const subject = entrySubject(names, queue, id)
    for (let expected = 0; ;) {
      if ((await publishIfExpected(link, { subject, body, expected }, QUEUEING)) !== undefined) return
      const message = await this.#queued.newest(subject, LOOKING)
      if (message && (await this.#ticketIn(message, queue)) === ticket) return
      if (message && (await records.read(id))?.record.ticket !== ticket) return
      expected = message?.sequence ?? 0
    }
  }

  async #ticketIn(message: NewestMessage, queue: string): Promise<string | undefined> {
    try {
      return decodeEntry(message.bytes).ticket
    } catch (error) {
      if (!(error instanceof UndecodableRecord)) throw error
      await parkEntry(this.#parts, { queue, ...message }, error.message)
      return undefined
    }
  }
}

async function findAt(
  { reader, stream, subject }: { reader: StreamReader; stream: string; subject: string },
  { ticket }: TaskRecord,
): Promise<PlaceOfEntry | undefined> {
  const message = await reader.newest(subject, LOOKING)
  if (!message) return undefined
  try {
    return decodeEntry(message.bytes).ticket === ticket ? { stream, sequence: message.sequence } : undefined
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}

const QUEUEING = 'queueing a task'
const LOOKING = 'looking for an entry'

/** Whether its entry was put aside. A retry's delay is the server's own: its entry was received before. */
function isDelayed({ task }: TaskRecord): boolean {
  return task.runAt !== undefined && task.attempt === 0
}
