import { decodeEntry, encode, UndecodableRecord } from './codec.ts'
import type { Entry, TaskRecord } from './codec.ts'
import { isGone } from './errors.ts'
import type { Link } from './link.ts'
import { delayedSubject, encodeToken, entrySubject } from './names.ts'
import type { Names } from './names.ts'
import { StreamReader } from './stream-reader.ts'

/** The entries in the queues: a message a waiting or running task. */
export class Entries {
  readonly #link: Link
  readonly #names: Names
  readonly #reader: StreamReader

  constructor(link: Link, names: Names, replicated: () => boolean) {
    this.#link = link
    this.#names = names
    this.#reader = new StreamReader(link, names.queues, replicated)
  }

  /** Queues a task whose record says QUEUED. The server drops a second entry with the same ticket while it remembers the first. */
  add(record: TaskRecord): Promise<void> {
    return this.#publish(record, record.ticket)
  }

  /** Queues a task whose submitter may have died in between: never started, and without an entry. */
  async mend(record: TaskRecord): Promise<void> {
    const { task } = record
    if (task.state === 'QUEUED' && task.attempt === 0 && (await this.find(record)) === undefined) await this.add(record)
  }

  /** Queues a task whose entry is gone although the record says that it waits. */
  replace(record: TaskRecord, revision: number): Promise<void> {
    return this.#publish(record, `${record.ticket}/${revision}`)
  }

  /** Puts a delayed entry into its queue. */
  promote(queue: string, { id, ticket }: Entry): Promise<void> {
    return this.#send(entrySubject(this.#names, queue, id), { schema: 1, id, ticket }, ticket)
  }

  /** Sequence of the entry that a record stands for. */
  async find(record: TaskRecord): Promise<number | undefined> {
    const { queue, id } = record.task
    const waiting = await this.#findAt(entrySubject(this.#names, queue, id), record)
    if (waiting !== undefined || !isDelayed(record)) return waiting
    return this.#findAt(delayedSubject(this.#names, queue, id), record)
  }

  async #findAt(subject: string, { ticket }: TaskRecord): Promise<number | undefined> {
    const message = await this.#reader.last(subject, 'looking for an entry')
    if (!message) return undefined
    try {
      return decodeEntry(message.bytes).ticket === ticket ? message.sequence : undefined
    } catch (error) {
      if (error instanceof UndecodableRecord) return undefined
      throw error
    }
  }

  /** Takes one out of its queue, if it is still there. */
  async remove(sequence: number): Promise<void> {
    try {
      await this.#link.call('removing an entry', () =>
        this.#link.manager.streams.deleteMessage(this.#names.queues, sequence, false),
      )
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }

  #publish(record: TaskRecord, name: string): Promise<void> {
    const { task, ticket } = record
    const entry: Entry = { schema: 1, id: task.id, ticket }
    if (!isDelayed(record)) return this.#send(entrySubject(this.#names, task.queue, task.id), entry, name)
    const delayed = { ...entry, ...(task.runAt !== undefined && { runAt: task.runAt }) }
    return this.#send(delayedSubject(this.#names, task.queue, task.id), delayed, `${name}/delayed`)
  }

  async #send(subject: string, entry: Entry, name: string): Promise<void> {
    const msgID = `${encodeToken(entry.id)}/${encodeToken(name)}`
    await this.#link.call('queueing a task', () => this.#link.js.publish(subject, encode(entry), { msgID }))
  }
}

/** Whether its entry was put aside. A retry's delay is the server's own: its entry was received before. */
function isDelayed({ task }: TaskRecord): boolean {
  return task.runAt !== undefined && task.attempt === 0
}
