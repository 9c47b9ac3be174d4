import type { StoredMsg } from '@nats-io/jetstream'
import { LastReader, MOST_SUBJECTS } from './last-reader.ts'
import type { Link } from './link.ts'
import { Tick } from './tick.ts'

/** A stored message. */
export interface StoredMessage {
  readonly subject: string
  readonly sequence: number
  readonly bytes: Uint8Array
  readonly header: (name: string) => string
  /** When the server stored it, in milliseconds. */
  readonly time: number
}

interface Asked {
  readonly subject: string
  readonly doing: string
  readonly resolve: (message: StoredMessage | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Reads single messages of a stream. With one replica the stream answers directly; with more only its leader is up to date. */
export class StreamReader {
  readonly #link: Link
  readonly #stream: string
  readonly #replicated: () => boolean
  readonly #many: LastReader
  readonly #tick: Tick<Asked>

  constructor(link: Link, stream: string, replicated: () => boolean) {
    this.#link = link
    this.#stream = stream
    this.#replicated = replicated
    this.#many = new LastReader(link, stream)
    this.#tick = new Tick(MOST_SUBJECTS, (asked) => void this.#readMany(asked))
  }

  /** The newest message of a subject. Where the server can, all that is asked for in a tick is one request. */
  last(subject: string, doing: string): Promise<StoredMessage | undefined> {
    if (this.#replicated() || !this.#link.readsMany) return this.#read({ last_by_subj: subject }, doing)
    return new Promise((resolve, reject) => this.#tick.add({ subject, doing, resolve, reject }))
  }

  at(sequence: number, doing: string): Promise<StoredMessage | undefined> {
    return this.#read({ seq: sequence }, doing)
  }

  /** The first message at or behind a sequence whose subject fits. May be behind the leader. */
  async next(subject: string, sequence: number, doing: string): Promise<StoredMessage | undefined> {
    const query = { seq: sequence, next_by_subj: subject }
    return toStored(await this.#link.call(doing, () => this.#link.manager.direct.getMessage(this.#stream, query)))
  }

  async #readMany(asked: readonly Asked[]): Promise<void> {
    const [first] = asked
    if (!first) return
    try {
      if (asked.length === 1) return first.resolve(await this.#read({ last_by_subj: first.subject }, first.doing))
      const subjects = [...new Set(asked.map(({ subject }) => subject))]
      const found = await this.#many.read(subjects, first.doing)
      for (const { subject, resolve } of asked) resolve(found.get(subject))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }

  async #read(query: { last_by_subj: string } | { seq: number }, doing: string): Promise<StoredMessage | undefined> {
    const { manager } = this.#link
    const read = this.#replicated()
      ? () => manager.streams.getMessage(this.#stream, query)
      : () => manager.direct.getMessage(this.#stream, query)
    return toStored(await this.#link.call(doing, read))
  }
}

function toStored(message: StoredMsg | null): StoredMessage | undefined {
  if (!message) return undefined
  const header: StoredMsg['header'] | undefined = message.header
  return {
    subject: message.subject,
    sequence: message.seq,
    bytes: message.data,
    header: (name) => header?.get(name) ?? '',
    time: message.time.getTime(),
  }
}
