import type { ParkedItem, ParkedStore } from '@ds/core'
import { headers } from '@nats-io/transport-node'
import { deleteMessage } from '../jetstream/delete-message.ts'
import { isConflict } from '../jetstream/errors.ts'
import type { Link } from '../jetstream/link.ts'
import { decodeToken, parkedSubject } from '../names.ts'
import type { Names } from '../names.ts'
import { publishIfExpected } from '../jetstream/publish.ts'
import { StreamReader } from '../jetstream/stream-reader.ts'
import type { StoredMessage } from '../jetstream/stream-reader.ts'
import { decodeStored, isTombstone, UndecodableRecord } from './codec.ts'

const HEADER = { source: 'Ds-Source', subject: 'Ds-Subject', reason: 'Ds-Reason' } as const

/** Bytes that were found, and where. */
export interface Found {
  /** Unique for the place: finding the same bytes again parks them once. */
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly bytes: Uint8Array
  readonly reason: string
}

/** Takes what is no entry out of its queue and keeps it elsewhere. */
export async function parkEntry(
  { link, names, parked }: { readonly link: Link; readonly names: Names; readonly parked: Parked },
  { queue, subject, sequence, bytes }: { queue: string; subject: string; sequence: number; bytes: Uint8Array },
  reason: string,
): Promise<void> {
  await parked.add({ id: `queue-${sequence}`, source: queue, subject, bytes, reason })
  await deleteMessage(link, names.tasks, sequence)
}

/** What nobody could decode, in a stream of its own. */
export class Parked implements ParkedStore {
  readonly #link: Link
  readonly #names: Names
  readonly #reader: StreamReader
  /** Where most of it came from. */
  readonly #tasks: StreamReader

  constructor(link: Link, names: Names, replicated: () => boolean) {
    this.#link = link
    this.#names = names
    this.#reader = new StreamReader(link, names.parked, replicated)
    this.#tasks = new StreamReader(link, names.tasks, replicated)
  }

  /** Keeps what was found. Resolves when it is stored, also where it had been before. */
  async add({ id, source, subject, bytes, reason }: Found): Promise<void> {
    const header = headers()
    header.set(HEADER.source, source)
    header.set(HEADER.subject, subject)
    header.set(HEADER.reason, reason.replace(/\s+/g, ' '))
    try {
      await this.#link.call('parking what cannot be decoded', () =>
        this.#link.js.publish(parkedSubject(this.#names, id), bytes, {
          headers: header,
          expect: { lastSubjectSequence: 0 },
        }),
      )
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }

  async list({
    limit,
    cursor,
  }: {
    limit: number
    cursor?: string
  }): Promise<{ items: readonly ParkedItem[]; cursor?: string }> {
    const items: ParkedItem[] = []
    let next = cursor === undefined ? 1 : Number(cursor)
    for (;;) {
      const message = await this.#next(next)
      if (!message) return { items }
      if (items.length === limit) return { items, cursor: String(next) }
      items.push(this.#itemOf(message))
      next = message.sequence + 1
    }
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return (await this.#find(id))?.bytes
  }

  async remove(id: string): Promise<boolean> {
    const message = await this.#find(id)
    return message !== undefined && deleteMessage(this.#link, this.#names.parked, message.sequence)
  }

  /** False also where something else has taken its place meanwhile: it is kept then. */
  async replay(id: string): Promise<boolean> {
    const message = await this.#find(id)
    if (!message || !(await this.#putBack(message))) return false
    return deleteMessage(this.#link, this.#names.parked, message.sequence)
  }

  async #putBack({ header, bytes }: StoredMessage): Promise<boolean> {
    const subject = header(HEADER.subject)
    const standing = await this.#tasks.newest(subject, 'looking where something was parked from')
    // By a replay whose answer was lost.
    if (standing && Buffer.compare(standing.bytes, bytes) === 0) return true
    if (standing && !isTombstoneIn(standing.bytes)) return false
    const message = { subject, body: bytes, expected: standing?.sequence ?? 0 }
    return (await publishIfExpected(this.#link, message, 'replaying what was parked')) !== undefined
  }

  #next(sequence: number): Promise<StoredMessage | undefined> {
    return this.#reader.next(`${this.#names.root}.parked.*`, sequence, 'listing what is parked')
  }

  #find(id: string): Promise<StoredMessage | undefined> {
    return this.#reader.last(parkedSubject(this.#names, id), 'reading what is parked')
  }

  #itemOf({ subject, sequence, bytes, header, time }: StoredMessage): ParkedItem {
    const token = subject.slice(`${this.#names.root}.parked.`.length)
    return {
      id: decodeToken(token) ?? String(sequence),
      source: header(HEADER.source),
      reason: header(HEADER.reason),
      parkedAt: time,
      size: bytes.byteLength,
    }
  }
}

function isTombstoneIn(bytes: Uint8Array): boolean {
  try {
    return isTombstone(decodeStored(bytes))
  } catch (error) {
    if (error instanceof UndecodableRecord) return false
    throw error
  }
}
