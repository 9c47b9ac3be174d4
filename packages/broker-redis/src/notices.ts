import type { CancelNotice } from '@ds/core'
import { decodeWord } from './codec.ts'
import { Link, SILENCE } from './link.ts'
import type { ResolvedOptions } from './options.ts'
import type { Topology } from './topology.ts'

/** A broadcast of a cancel, with the life of the task that it is about. */
export interface Notice extends CancelNotice {
  readonly incarnation: string
}

/** How often the connection that listens is tried. Milliseconds. */
const HEARTBEAT = 5000

/** Listens to the broadcasts of cancels for all consumers of a broker. What it misses, renewals tell. */
export class Notices {
  readonly #link: Link
  readonly #channel: string
  #listening: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #hears = false

  constructor(options: ResolvedOptions, topology: Topology, onNotice: (notice: Notice) => void) {
    this.#channel = topology.cancel
    this.#link = new Link(options)
    this.#link.client.on('message', (_channel: string, message: string) => {
      const notice = decodeNotice(message)
      if (notice) onNotice(notice)
    })
    this.#link.client.on('ready', () => this.#listenAgain())
  }

  /** Resolves when it hears. After a break it subscribes again; a cluster's client does so by itself. */
  listen(): Promise<void> {
    this.#listening ??= this.#listen().catch((error: unknown) => {
      this.#listening = undefined
      throw error
    })
    return this.#listening
  }

  close(): Promise<void> {
    clearInterval(this.#heartbeat)
    return this.#link.close()
  }

  #listenAgain(): void {
    const { client } = this.#link
    // A connection that is cut meanwhile becomes ready once more.
    if (this.#hears && !client.isCluster) client.subscribe(this.#channel).catch(() => undefined)
  }

  /** Who only listens does not notice that nobody is there any more. */
  #beat(): void {
    this.#link.answered(this.#link.client.ping()).catch(() => undefined)
  }

  async #listen(): Promise<void> {
    await this.#link.open({ timeout: SILENCE })
    await this.#link.answered(this.#link.client.subscribe(this.#channel))
    this.#hears = true
    // On a cluster a ping would not go by the connection that listens.
    if (this.#link.client.isCluster) return
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT)
    this.#heartbeat.unref()
  }
}

/** As `lua/cancel.ts` writes it: flag, attempt, incarnation and id. */
function decodeNotice(message: string): Notice | undefined {
  const parts = /^([cr]) (\d+) (\S+) (.*)$/s.exec(message)
  if (!parts) return undefined
  const [, flag, attempt, incarnation = '', taskId = ''] = parts
  return { taskId, attempt: Number(attempt), incarnation: decodeWord(incarnation), requeue: flag === 'r' }
}
