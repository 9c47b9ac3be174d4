import { decodeEntry, encodeEntry, encodeEntryOf, UndecodableRecord } from './codec.ts'
import type { Entry, Stored, TaskRecord } from './codec.ts'
import { deleteMessage } from './delete-message.ts'
import type { Link } from './link.ts'
import { delayedSubject, encodeToken, entrySubject } from './names.ts'
import type { Names } from './names.ts'
import { publish, publishOnce } from './publish.ts'
import type { NewMessage } from './publish.ts'
import { StreamReader } from './stream-reader.ts'

/** An entry: the stream it is in, and its sequence there. */
export interface PlaceOfEntry {
  readonly stream: string
  readonly sequence: number
}

/** The entries of tasks that have a record of their own: a message each, in its queue or among those that wait for their time. */
export class Entries {
  readonly #link: Link
  readonly #names: Names
  readonly #queued: StreamReader
  readonly #delayed: StreamReader

  constructor(link: Link, names: Names, replicated: () => boolean) {
    this.#link = link
    this.#names = names
    this.#queued = new StreamReader(link, names.tasks, replicated)
    this.#delayed = new StreamReader(link, names.delayed, replicated)
  }

  /** Queues a task for the first time. Nobody can have done so before, and so the server need not remember it: that costs it much. */
  async addFirst(stored: Stored): Promise<void> {
    await publish(this.#link, this.#messageOf(stored), QUEUEING)
  }

  /** Queues a task whose record says QUEUED. The server drops a second entry with the same ticket while it remembers the first. */
  add(stored: Stored): Promise<void> {
    return this.#publishOnce(stored, stored.record.ticket)
  }

  /** Queues a task whose submitter may have died in between: never started, and without an entry. */
  async mend(stored: Stored): Promise<void> {
    const { state, attempt } = stored.record.task
    if (state === 'QUEUED' && attempt === 0 && (await this.find(stored.record)) === undefined) await this.add(stored)
  }

  /** Queues a task whose entry is gone although the record says that it waits. */
  replace(stored: Stored): Promise<void> {
    return this.#publishOnce(stored, `${stored.record.ticket}/${stored.revision}`)
  }

  /** Puts a delayed entry into its queue. */
  promote(queue: string, { id, ticket }: Entry): Promise<void> {
    const body = encodeEntry({ schema: 1, id, ticket })
    const message = { subject: entrySubject(this.#names, queue, id), body, name: nameOf(id, ticket) }
    return publishOnce(this.#link, message, QUEUEING)
  }

  /** Where the entry that a record stands for is. */
  async find(record: TaskRecord): Promise<PlaceOfEntry | undefined> {
    const { queue, id } = record.task
    const queued = { reader: this.#queued, stream: this.#names.tasks, subject: entrySubject(this.#names, queue, id) }
    const waiting = await findAt(queued, record)
    if (waiting !== undefined || !isDelayed(record)) return waiting
    const subject = delayedSubject(this.#names, queue, id)
    return findAt({ reader: this.#delayed, stream: this.#names.delayed, subject }, record)
  }

  /** Takes one out of its queue, if it is still there. */
  async remove({ stream, sequence }: PlaceOfEntry): Promise<void> {
    await deleteMessage(this.#link, stream, sequence)
  }

  #publishOnce(stored: Stored, name: string): Promise<void> {
    const { record } = stored
    const full = nameOf(record.task.id, isDelayed(record) ? `${name}/delayed` : name)
    return publishOnce(this.#link, { ...this.#messageOf(stored), name: full }, QUEUEING)
  }

  #messageOf(stored: Stored): NewMessage {
    const { task, ticket } = stored.record
    const { queue, id, runAt } = task
    if (!isDelayed(stored.record)) return { subject: entrySubject(this.#names, queue, id), body: encodeEntryOf(stored) }
    const body = encodeEntry({ schema: 1, id, ticket, ...(runAt !== undefined && { runAt }) })
    return { subject: delayedSubject(this.#names, queue, id), body }
  }
}

async function findAt(
  { reader, stream, subject }: { reader: StreamReader; stream: string; subject: string },
  { ticket }: TaskRecord,
): Promise<PlaceOfEntry | undefined> {
  const message = await reader.newest(subject, 'looking for an entry')
  if (!message) return undefined
  try {
    return decodeEntry(message.bytes).ticket === ticket ? { stream, sequence: message.sequence } : undefined
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}

const QUEUEING = 'queueing a task'

/** By which the server knows a message that is sent again. */
function nameOf(id: string, name: string): string {
  return `${encodeToken(id)}/${encodeToken(name)}`
}

/** Whether its entry was put aside. A retry's delay is the server's own: its entry was received before. */
function isDelayed({ task }: TaskRecord): boolean {
  return task.runAt !== undefined && task.attempt === 0
}
