import type { Connection } from './connection.ts'
import { toBrokerError } from './errors.ts'
import { Link, SILENCE } from './link.ts'
import type { ResolvedOptions } from './options.ts'
import { GROUP } from './topology.ts'
import type { Topology } from './topology.ts'

/** How long one read waits. Milliseconds. */
export const BLOCK = 2000

/** An entry of a stream that this consumer was given, and has not claimed yet. */
export interface GivenEntry {
  readonly queue: string
  readonly kind: 'queue' | 'suspects'
  readonly entry: string
}

export interface ReaderOptions {
  readonly connection: Connection
  readonly options: ResolvedOptions
  readonly topology: Topology
  /** Its name in the server's lists. */
  readonly consumer: string
}

interface Source {
  readonly queue: string
  readonly kind: 'queue' | 'suspects'
}

/**
 * Waits for tasks on a connection of its own, where waiting holds up nobody. It takes one entry a queue at most: the server wakes one
 * waiting consumer for each, and the script that claims it takes what else there is.
 */
export class BlockingReader {
  readonly #options: ReaderOptions
  readonly #link: Link
  /** The server's number of our connection, to end a wait by; only one server has only one of it. */
  #clientId: number | undefined
  #waiting = false
  #opening: AbortController | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#link = new Link(options.options)
    this.#link.client.on('close', () => (this.#clientId = undefined))
  }

  /** Waits up to two seconds. Rejects when the connection breaks: what was given then is still pending. */
  async read(queues: readonly string[], suspects: boolean): Promise<GivenEntry[]> {
    const { address } = this.#options.options
    await this.#open()
    this.#waiting = true
    try {
      await this.#learnId()
      const sources = queues.flatMap((queue) => sourcesOf(queue, suspects))
      const streams = sources.map(({ queue, kind }) => this.#options.topology[kind](queue))
      const answer = await this.#link.client.call(
        ...(['xreadgroup', 'GROUP', GROUP, this.#options.consumer, 'COUNT', 1, 'BLOCK', BLOCK, 'STREAMS'] as const),
        ...streams,
        ...streams.map(() => '>'),
      )
      return givenEntries((answer ?? []) as Answer, sources, streams)
    } catch (error) {
      throw toBrokerError(error, address)
    } finally {
      this.#waiting = false
    }
  }

  /** Ends a wait. Where that cannot be done it ends by itself within two seconds. */
  interrupt(): void {
    this.#opening?.abort()
    if (!this.#waiting || this.#clientId === undefined) return
    this.#options.connection.call('client', 'unblock', this.#clientId).catch(() => undefined)
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async #open(): Promise<void> {
    const opening = new AbortController()
    this.#opening = opening
    try {
      await this.#link.open({ timeout: SILENCE, signal: opening.signal })
    } finally {
      this.#opening = undefined
    }
  }

  async #learnId(): Promise<void> {
    if (this.#clientId !== undefined || this.#link.client.isCluster) return
    const id = await this.#link.client.call('client', 'id').catch(() => undefined)
    if (typeof id === 'number') this.#clientId = id
  }
}

type Answer = [stream: string, entries: [entry: string, fields: string[]][]][]

function sourcesOf(queue: string, suspects: boolean): Source[] {
  return suspects
    ? [
        { queue, kind: 'suspects' },
        { queue, kind: 'queue' },
      ]
    : [{ queue, kind: 'queue' }]
}

function givenEntries(answer: Answer, sources: readonly Source[], streams: readonly string[]): GivenEntry[] {
  return answer.flatMap(([stream, entries]) => {
    const source = sources[streams.indexOf(stream)]
    return source ? entries.map(([entry]) => ({ ...source, entry })) : []
  })
}
