import type { StoredMsg } from '@nats-io/jetstream'
import type { Link } from './link.ts'

/** A stored message. */
export interface StoredMessage {
  readonly subject: string
  readonly sequence: number
  readonly bytes: Uint8Array
  readonly header: (name: string) => string
  /** When the server stored it, in milliseconds. */
  readonly time: number
}

/** Reads single messages of a stream. With one replica the stream answers directly; with more only its leader is up to date. */
export class StreamReader {
  readonly #link: Link
  readonly #stream: string
  readonly #replicated: () => boolean

  constructor(link: Link, stream: string, replicated: () => boolean) {
    this.#link = link
    this.#stream = stream
    this.#replicated = replicated
  }

  /** The newest message of a subject. */
  last(subject: string, doing: string): Promise<StoredMessage | undefined> {
    return this.#read({ last_by_subj: subject }, doing)
  }

  at(sequence: number, doing: string): Promise<StoredMessage | undefined> {
    return this.#read({ seq: sequence }, doing)
  }

  /** The first message at or behind a sequence whose subject fits. May be behind the leader. */
  async next(subject: string, sequence: number, doing: string): Promise<StoredMessage | undefined> {
    const query = { seq: sequence, next_by_subj: subject }
    return toStored(await this.#link.call(doing, () => this.#link.manager.direct.getMessage(this.#stream, query)))
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
