import { createInbox, errors } from '@nats-io/transport-node'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { Link } from './link.ts'
import type { StoredMessage } from './stream-reader.ts'

/** Subjects of one request. The server takes 1024. */
export const MOST_SUBJECTS = 500

interface Asked {
  readonly found: Map<string, StoredMessage>
  readonly end: () => void
  readonly fail: (error: Error) => void
}

/** Reads the newest messages of many subjects in one request, from nats-server 2.11 on. With replicas the answer may be behind the leader. */
export class LastReader {
  readonly #link: Link
  readonly #stream: string
  readonly #asked = new Map<string, Asked>()
  #inbox = ''
  #subscription: Subscription | undefined
  #drawn = 0

  constructor(link: Link, stream: string) {
    this.#link = link
    this.#stream = stream
  }

  /** By subject; subjects without a message are left out. At most {@link MOST_SUBJECTS}. */
  read(subjects: readonly string[], doing: string): Promise<ReadonlyMap<string, StoredMessage>> {
    return this.#link.call(doing, () => this.#ask(subjects))
  }

  #ask(subjects: readonly string[]): Promise<ReadonlyMap<string, StoredMessage>> {
    this.#listen()
    this.#drawn += 1
    const reply = `${this.#inbox}.${this.#drawn}`
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(late)
        this.#asked.delete(reply)
        end()
      }
      const fail = (error: Error): void => settle(() => reject(error))
      const late = setTimeout(() => fail(new errors.TimeoutError()), this.#link.settings.timeout)
      const found = new Map<string, StoredMessage>()
      this.#asked.set(reply, { found, end: () => settle(() => resolve(found)), fail })
      const request = JSON.stringify({ multi_last: subjects })
      this.#link.publish(`${this.#link.apiPrefix}.DIRECT.GET.${this.#stream}`, request, { reply })
    })
  }

  #listen(): void {
    if (this.#subscription) return
    this.#inbox = createInbox(this.#link.settings.connection.inboxPrefix)
    this.#subscription = this.#link.subscribe(`${this.#inbox}.*`, (message) => this.#onMessage(message))
    this.#link.onBreak(() => this.#forget())
  }

  #onMessage({ subject: reply, headers, data }: Msg): void {
    const asked = this.#asked.get(reply)
    if (!asked || !headers) return
    if (headers.code === 204 || headers.code === 404) return asked.end()
    if (headers.code > 0) return asked.fail(new Error(`${headers.code} ${headers.description}`))
    const subject = headers.get('Nats-Subject')
    asked.found.set(subject, {
      subject,
      sequence: Number(headers.get('Nats-Sequence')),
      bytes: data,
      header: (name) => headers.get(name),
      time: Date.parse(headers.get('Nats-Time-Stamp')),
    })
  }

  #forget(): void {
    for (const { fail } of this.#asked.values()) fail(new Error('the request was broken off'))
  }
}
