import type { StoredMsg } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/transport-node'
import { isGone } from './errors.ts'
import type { Link } from './link.ts'
import { apiAnswer } from './publish.ts'

/** The newest message of a subject. */
export interface NewestMessage {
  readonly subject: string
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** A message with all that is stored of it. */
export interface StoredMessage extends NewestMessage {
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

  /** Reads in great numbers. */
  async newest(subject: string, doing: string): Promise<NewestMessage | undefined> {
    const { apiPrefix } = this.#link
    if (!this.#replicated()) {
      const question = { subject: `${apiPrefix}.DIRECT.GET.${this.#stream}.${subject}` }
      return this.#link.ask(question, doing, (answer) => directMessage(subject, answer))
    }
    const question = {
      subject: `${apiPrefix}.STREAM.MSG.GET.${this.#stream}`,
      payload: JSON.stringify({ last_by_subj: subject }),
    }
    return goneAsUndefined(this.#link.ask(question, doing, (answer) => leaderMessage(subject, answer)))
  }

  /** The newest message of a subject, with its headers. */
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

function directMessage(subject: string, { headers, data }: Msg): NewestMessage | undefined {
  if (headers?.code === 404) return undefined
  if (!headers || headers.code > 0) throw new Error(`${headers?.code ?? ''} ${headers?.description ?? 'no headers'}`)
  return { subject, sequence: Number(headers.get('Nats-Sequence')), bytes: data }
}

function leaderMessage(subject: string, answer: Msg): NewestMessage {
  const { message } = apiAnswer(answer) as { message: { seq: number; data?: string } }
  return { subject, sequence: message.seq, bytes: Buffer.from(message.data ?? '', 'base64') }
}

async function goneAsUndefined<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
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
