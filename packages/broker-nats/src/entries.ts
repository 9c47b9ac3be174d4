import { decodeEntry, encode, UndecodableRecord } from './codec.ts'
import type { TaskRecord } from './codec.ts'
import { isGone } from './errors.ts'
import type { Link } from './link.ts'
import { encodeToken, entrySubject } from './names.ts'
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

  /** Sequence of the entry that a record stands for. */
  async find({ task, ticket }: TaskRecord): Promise<number | undefined> {
    const message = await this.#reader.last(entrySubject(this.#names, task.queue, task.id), 'looking for an entry')
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

  async #publish({ task, ticket }: TaskRecord, name: string): Promise<void> {
    const subject = entrySubject(this.#names, task.queue, task.id)
    const msgID = `${encodeToken(task.id)}/${encodeToken(name)}`
    const entry = encode({ schema: 1, id: task.id, ticket })
    await this.#link.call('queueing a task', () => this.#link.js.publish(subject, entry, { msgID }))
  }
}
