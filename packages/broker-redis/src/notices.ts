import type { CancelNotice } from '@ds/core'
import { decodeWord } from './codec.ts'
import { Link, SILENCE } from './link.ts'
import type { ResolvedOptions } from './options.ts'
import type { Topology } from './topology.ts'

/** A broadcast of a cancel, with the life of the task that it is about. */
export interface Notice extends CancelNotice {
  readonly incarnation: string
}

/** Listens to the broadcasts of cancels for all consumers of a broker. What it misses, renewals tell. */
export class Notices {
  readonly #link: Link
  readonly #channel: string
  #listening: Promise<void> | undefined

  constructor(options: ResolvedOptions, topology: Topology, onNotice: (notice: Notice) => void) {
    this.#channel = topology.cancel
    this.#link = new Link(options)
    this.#link.client.on('message', (_channel: string, message: string) => {
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
    return this.#link.close()
  }

  async #listen(): Promise<void> {
    await this.#link.open({ timeout: SILENCE })
    await this.#link.client.subscribe(this.#channel)
  }
}

/** As `lua/cancel.ts` writes it: flag, attempt, incarnation and id. */
function decodeNotice(message: string): Notice | undefined {
  const parts = /^([cr]) (\d+) (\S+) (.*)$/s.exec(message)
  if (!parts) return undefined
  const [, flag, attempt, incarnation = '', taskId = ''] = parts
  return { taskId, attempt: Number(attempt), incarnation: decodeWord(incarnation), requeue: flag === 'r' }
}
