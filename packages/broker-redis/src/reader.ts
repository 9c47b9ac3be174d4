import type { Connection } from './connection.ts'
import { toBrokerError } from './errors.ts'
import { Link, pause, SILENCE } from './link.ts'
import type { ResolvedOptions } from './options.ts'
import { GROUP } from './topology.ts'
import type { Topology } from './topology.ts'

/** How long one read waits. Milliseconds. */
export const BLOCK = 2000
/** On a cluster a wait cannot be ended from outside, so it is kept short: a worker that leaves waits for its end. Milliseconds. */
const BLOCK_ON_CLUSTER = 500

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
  /** The wait that is going on. */
  #wait: { interrupted: boolean } | undefined
  #opening: AbortController | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#link = new Link(options.options)
    this.#link.client.on('close', () => (this.#clientId = undefined))
  }

  /** Waits up to two seconds. Rejects when the connection breaks: what was given then is still pending. */
  async read(queues: readonly string[], suspects: boolean): Promise<GivenEntry[]> {
    const wait = { interrupted: false }
    this.#wait = wait
    try {
      await this.#open()
      await this.#learnId()
      return wait.interrupted ? [] : await this.#block(queues.flatMap((queue) => sourcesOf(queue, suspects)))
    } catch (error) {
      throw toBrokerError(error, this.#options.options.address)
    } finally {
      this.#wait = undefined
    }
  }

  /** Ends a wait. Where that cannot be done it ends by itself. */
  interrupt(): void {
    const wait = this.#wait
    if (!wait || wait.interrupted) return
    wait.interrupted = true
    this.#opening?.abort()
    if (!this.#link.client.isCluster) void this.#unblock(wait)
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async #block(sources: readonly Source[]): Promise<GivenEntry[]> {
    const { client } = this.#link
    const streams = sources.map(({ queue, kind }) => this.#options.topology[kind](queue))
    const time = client.isCluster ? BLOCK_ON_CLUSTER : BLOCK
    const group = ['GROUP', GROUP, this.#options.consumer] as const
    const marks = streams.map(() => '>')
    const reading = client.call('xreadgroup', ...group, 'COUNT', 1, 'BLOCK', time, 'STREAMS', ...streams, ...marks)
    const answer = await this.#link.answered(reading, BLOCK + SILENCE / 2)
    return givenEntries((answer ?? []) as Answer, sources, streams)
  }

  /** The command that waits may still be on its way when the one that ends it arrives: then once more. */
  async #unblock(wait: { interrupted: boolean }): Promise<void> {
    try {
      while (this.#wait === wait) {
        if (this.#clientId !== undefined) await this.#options.connection.call('client', 'unblock', this.#clientId)
        await pause(10)
      }
    } catch {
      // It ends by itself.
    }
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
    const id = await this.#link.answered(this.#link.client.call('client', 'id')).catch(() => undefined)
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
