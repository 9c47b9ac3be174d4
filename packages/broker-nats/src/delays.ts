import { DsError } from '@ds/core'
import { ack, nak } from './jetstream/acknowledge.ts'
import type { Clock } from './jetstream/clock.ts'
import { decodeEntry, UndecodableRecord } from './records/codec.ts'
import type { Entry } from './records/codec.ts'
import type { Entries } from './records/entries.ts'
import type { Link } from './jetstream/link.ts'
import { queueOfSubject } from './names.ts'
import type { Names } from './names.ts'
import type { Parked } from './records/parked.ts'
import { QueuePuller } from './jetstream/pull.ts'
import type { Delivered } from './jetstream/pull.ts'
import { ensureDelayConsumer } from './jetstream/topology.ts'

const BATCH = 200
const RETRY_WAIT = 500

export interface DelaysParts {
  readonly link: Link
  readonly names: Names
  readonly clock: Clock
  readonly entries: Entries
  readonly parked: Parked
}

/**
 * Moves delayed entries into their queues when they are due. They wait apart, or thousands of them would stand before what is due
 * now: each has to be received once before the server can be told for how long to keep it back. All workers share this duty.
 */
export class Delays {
  readonly #parts: DelaysParts
  #puller: QueuePuller | undefined
  #arrived: Delivered[] = []
  #sorting: readonly Promise<void>[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: DelaysParts) {
    this.#parts = parts
  }

  /** Begins, once. */
  async open(): Promise<void> {
    if (this.#puller) return
    const { link, names } = this.#parts
    const durable = await ensureDelayConsumer(link, names)
    if (this.#puller || this.#closed) return
    const onEntry = (entry: Delivered): void => void this.#arrived.push(entry)
    this.#puller = new QueuePuller({ link, stream: names.delayed, durable, queue: durable, onEntry })
    void this.#run(this.#puller)
  }

  /** Ends when what has arrived is sorted: it would be missing for some time otherwise. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#puller?.close()
    await Promise.allSettled([...this.#sorting, ...this.#arrived.splice(0).map((entry) => this.#sort(entry))])
  }

  async #run(puller: QueuePuller): Promise<void> {
    while (!this.#closed) {
      try {
        await puller.wait()
        await this.#takeAll(puller)
      } catch (error) {
        if (!DsError.is(error)) throw error
        await this.#pause()
      }
    }
  }

  async #takeAll(puller: QueuePuller): Promise<void> {
    let taken = this.#arrived.splice(0)
    while (taken.length > 0 && !this.#closed) {
      this.#sorting = taken.map((entry) => this.#sort(entry))
      await Promise.all([puller.now(BATCH), ...this.#sorting])
      taken = this.#arrived.splice(0)
    }
  }

  async #sort(delivered: Delivered): Promise<void> {
    const { link, clock, entries, parked } = this.#parts
    const entry = entryIn(delivered.bytes)
    if (typeof entry === 'string') {
      const { subject, sequence, bytes } = delivered
      await parked.add({ id: `delayed-${sequence}`, source: this.#queueOf(delivered), subject, bytes, reason: entry })
      return ack(link, delivered.reply)
    }
    const left = (entry.runAt ?? 0) - clock.now()
    if (left > 0) return nak(link, delivered.reply, left)
    await entries.promote(this.#queueOf(delivered), entry)
    ack(link, delivered.reply)
  }

  #queueOf({ subject }: Delivered): string {
    return queueOfSubject(this.#parts.names, subject)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, RETRY_WAIT)
      this.#timer.unref()
    })
  }
}

/** The entry, or why it is none. */
function entryIn(bytes: Uint8Array): Entry | string {
  try {
    return decodeEntry(bytes)
  } catch (error) {
    if (error instanceof UndecodableRecord) return error.message
    throw error
  }
}
