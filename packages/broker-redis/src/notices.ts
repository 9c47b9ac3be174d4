import type { CancelNotice } from '@ds/core'
import { decodeWord } from './codec.ts'
import { closeClient, createClient, openClient, SILENCE } from './connection.ts'
import type { RedisClient, ResolvedOptions } from './options.ts'
import type { Topology } from './topology.ts'

/** A broadcast of a cancel, with the life of the task that it is about. */
export interface Notice extends CancelNotice {
  readonly incarnation: string
}

/** Listens to the broadcasts of cancels for all consumers of a broker. What it misses, renewals tell. */
export class Notices {
  readonly #client: RedisClient
  readonly #options: ResolvedOptions
  readonly #channel: string
  #listening: Promise<void> | undefined

  constructor(options: ResolvedOptions, topology: Topology, onNotice: (notice: Notice) => void) {
    this.#options = options
    this.#channel = topology.cancel
    this.#client = createClient(options)
    this.#client.on('error', () => undefined)
    this.#client.on('message', (_channel: string, message: string) => {
      const notice = decodeNotice(message)
      if (notice) onNotice(notice)
    })
  }

  /** Resolves when it hears. The client subscribes again by itself after a break. */
  listen(): Promise<void> {
    this.#listening ??= this.#listen().catch((error: unknown) => {
      this.#listening = undefined
      throw error
    })
    return this.#listening
  }

  close(): Promise<void> {
    return closeClient(this.#client)
  }

  async #listen(): Promise<void> {
    await openClient(this.#client, this.#options.address, { timeout: SILENCE })
    await this.#client.subscribe(this.#channel)
  }
}

/** As `lua/cancel.ts` writes it: flag, attempt, incarnation and id. */
function decodeNotice(message: string): Notice | undefined {
  const parts = /^([cr]) (\d+) (\S+) (.*)$/s.exec(message)
  if (!parts) return undefined
  const [, flag, attempt, incarnation = '', taskId = ''] = parts
  return { taskId, attempt: Number(attempt), incarnation: decodeWord(incarnation), requeue: flag === 'r' }
}
