import { headers } from '@nats-io/transport-node'
import type { Link } from './link.ts'
import { Tick } from './tick.ts'

const MOST_ENTRIES = 250

export interface NewEntry {
  readonly subject: string
  readonly body: string
  /** By which the server knows an entry that is sent again. */
  readonly name: string
}

interface Pending {
  readonly entry: NewEntry
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Publishes entries in groups. Only the last of a group is answered: the server takes the messages of a connection in their order, so
 * that it has all of them by then. One that it could not store while it stored the last, is put back by the walk that mends.
 */
export class EntryPublisher {
  readonly #link: Link
  readonly #tick: Tick<Pending>

  constructor(link: Link) {
    this.#link = link
    this.#tick = new Tick(MOST_ENTRIES, (group) => void this.#publishGroup(group))
  }

  publish(entry: NewEntry): Promise<void> {
    return new Promise((resolve, reject) => this.#tick.add({ entry, resolve, reject }))
  }

  async #publishGroup(group: readonly Pending[]): Promise<void> {
    try {
      await this.#link.call('queueing tasks', async () => {
        for (const { entry } of group.slice(0, -1)) {
          const header = headers()
          header.set('Nats-Msg-Id', entry.name)
          this.#link.publish(entry.subject, entry.body, { headers: header })
        }
        const last = group.at(-1)?.entry
        if (last) await this.#link.js.publish(last.subject, last.body, { msgID: last.name })
      })
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
}
