import { EventBuffer } from '@ds/core'
import type { EventFilter, SubscriptionItem } from '@ds/core'
import { decodeEvents, timeOf } from './codec.ts'
import type { Connection } from './connection.ts'
import { Link, pause, SILENCE } from './link.ts'
import type { ResolvedOptions } from './options.ts'
import type { Topology } from './topology.ts'

/** How long one read waits for events. Milliseconds. */
const BLOCK = 2000
/** Entries a read takes. Each tells of all the tasks of one call. */
const COUNT = 50

type Entry = [id: string, fields: string[]]

/**
 * The live reader of a broker: one connection for all its subscriptions, there while there is one. The stream is trimmed behind it;
 * where it may have missed something, subscribers are told to read again what they follow.
 */
export class RedisEvents {
  readonly #connection: Connection
  readonly #options: ResolvedOptions
  readonly #key: string
  readonly #buffers = new Set<EventBuffer>()
  #reader: Promise<void> | undefined
  #link: Link | undefined
  #closed = false
  #lastAnswerAt: number | undefined

  constructor(connection: Connection, options: ResolvedOptions, topology: Topology) {
    this.#connection = connection
    this.#options = options
    this.#key = topology.events
  }

  /** When the reader was last answered, if there is one. */
  get reading(): { readonly lastAnswerAt: number | undefined } | undefined {
    return this.#reader && { lastAnswerAt: this.#lastAnswerAt }
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    const buffer = new EventBuffer({ filter, signal })
    // What happens from here on comes after the position that the reader has, or begins at.
    if (!this.#reader) await this.#start()
    this.#buffers.add(buffer)
    signal.addEventListener('abort', () => this.#remove(buffer), { once: true })
    if (signal.aborted) this.#remove(buffer)
    return buffer
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const buffer of this.#buffers) buffer.end()
    this.#buffers.clear()
    await this.#stop()
  }

  #remove(buffer: EventBuffer): void {
    this.#buffers.delete(buffer)
    if (this.#buffers.size === 0) void this.#stop()
  }

  async #start(): Promise<void> {
    const last = await this.#lastEntry()
    if (this.#reader || this.#closed) return
    const link = new Link(this.#options)
    this.#link = link
    this.#lastAnswerAt = Date.now()
    this.#reader = this.#readAll(link, last)
  }

  async #stop(): Promise<void> {
    const [link, reader] = [this.#link, this.#reader]
    this.#link = undefined
    this.#reader = undefined
    await link?.close()
    await reader
  }

  /** Where the stream ends, so that reading goes on from there. */
  async #lastEntry(): Promise<string> {
    const [newest] = (await this.#connection.call('xrevrange', this.#key, '+', '-', 'COUNT', 1)) as Entry[]
    return newest?.[0] ?? '0-0'
  }

  async #readAll(link: Link, start: string): Promise<void> {
    let last = start
    let broken = false
    while (this.#link === link) {
      try {
        await link.open({ timeout: SILENCE })
        if (broken) last = await this.#comeBack(last)
        broken = false
        last = await this.#readOnce(link, last)
        this.#lastAnswerAt = Date.now()
      } catch {
        broken = true
        if (this.#link === link) await pause(100)
      }
    }
  }

  async #readOnce(link: Link, last: string): Promise<string> {
    const reading = link.client.call('xread', 'COUNT', COUNT, 'BLOCK', BLOCK, 'STREAMS', this.#key, last)
    const answer = (await link.answered(reading, BLOCK + SILENCE / 2)) as [key: string, entries: Entry[]][] | null
    const entries = answer?.[0]?.[1] ?? []
    const newest = entries.at(-1)
    if (!newest) return last
    // A reader that is this far behind may have been overtaken by the trimming.
    if (entries.length === COUNT && (await this.#isTrimmedBehind(last))) this.#resync()
    for (const [entry, fields] of entries) {
      for (const event of decodeEvents(fields, timeOf(entry))) for (const buffer of this.#buffers) buffer.push(event)
    }
    return newest[0]
  }

  async #isTrimmedBehind(last: string): Promise<boolean> {
    const [oldest] = (await this.#connection.call('xrange', this.#key, '-', '+', 'COUNT', 1)) as Entry[]
    return oldest !== undefined && isBefore(last, oldest[0])
  }

  /** After a break. Where the server has lost the end of the stream, what it writes now comes before the old position. */
  async #comeBack(last: string): Promise<string> {
    const end = await this.#lastEntry()
    this.#resync()
    return isBefore(end, last) ? end : last
  }

  #resync(): void {
    for (const buffer of this.#buffers) buffer.resync()
  }
}

function isBefore(a: string, b: string): boolean {
  const [timeA, timeB] = [timeOf(a), timeOf(b)]
  if (timeA !== timeB) return timeA < timeB
  return Number(a.slice(a.indexOf('-') + 1)) < Number(b.slice(b.indexOf('-') + 1))
}
