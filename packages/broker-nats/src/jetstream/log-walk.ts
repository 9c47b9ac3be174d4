import { DsError } from '@ds/core'
import { ack, nak } from './acknowledge.ts'
import type { Clock } from './clock.ts'
import { ensureWalker, removeDurable } from './durable.ts'
import type { Walker } from './durable.ts'
import type { Link } from './link.ts'
import { QueuePuller } from './pull.ts'
import type { Delivered } from './pull.ts'

const BATCH = 200
const POLL = 2000

export interface LogWalkOptions {
  readonly link: Link
  readonly clock: Clock
  readonly stream: string
  /** Asked for whenever it is opened: it may depend on the server. */
  readonly walker: () => Walker
  /** Milliseconds for which a message must have stood before it is looked at. */
  readonly age: number
  /** Gives the milliseconds after which the message is to be looked at again. */
  readonly look: (message: Delivered) => Promise<number | undefined | void>
}

/**
 * Walks a stream in the order of writing, a fixed time behind it. All processes share one consumer, so each message that still stands
 * by then is looked at once, by one of them.
 */
export class LogWalk {
  readonly #options: LogWalkOptions
  #puller: QueuePuller | undefined
  #arrived: Delivered[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: LogWalkOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { link, stream, walker } = this.#options
    const { durable } = walker()
    await ensureWalker(link, stream, walker())
    if (this.#puller || this.#closed) return
    const onEntry = (message: Delivered): void => void this.#arrived.push(message)
    this.#puller = new QueuePuller({ link, stream, durable, queue: durable, onEntry })
    this.#schedule(0)
  }

  /** Begins anew with the oldest message, for all processes. */
  async restart(): Promise<void> {
    const { link, stream, walker } = this.#options
    await removeDurable(link, stream, walker().durable)
    await ensureWalker(link, stream, walker())
  }

  /** Lets go of a connection that ends; `open` begins anew over the next one. */
  reset(): void {
    clearTimeout(this.#timer)
    this.#puller?.close()
    this.#puller = undefined
    this.#arrived = []
  }

  close(): void {
    this.#closed = true
    this.reset()
  }

  #schedule(wait: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#run(), wait)
    this.#timer.unref()
  }

  async #run(): Promise<void> {
    const puller = this.#puller
    let wait = POLL * (0.8 + 0.4 * Math.random())
    try {
      // One message tells whether any is old enough.
      let batch = 1
      for (;;) {
        const young = await this.#step(batch)
        if (young === 'more') batch = BATCH
        else {
          wait = Math.min(wait, young)
          break
        }
      }
    } catch (error) {
      if (!DsError.is(error)) throw error
    }
    if (puller === this.#puller) this.#schedule(wait)
  }

  /** Looks at a few messages. Gives the time until the next one is old enough, if these were not all of them. */
  async #step(batch: number): Promise<number | 'more'> {
    await this.#puller?.now(batch)
    const messages = this.#arrived.splice(0)
    const youngest = Math.max(0, ...(await Promise.all(messages.map((message) => this.#lookAt(message)))))
    if (youngest > 0) return youngest
    return messages.length === batch && !this.#closed ? 'more' : Infinity
  }

  /** Milliseconds until it is old enough; 0 where it has been looked at. */
  async #lookAt(message: Delivered): Promise<number> {
    const { link, clock, age, look } = this.#options
    const left = message.storedAt + age - clock.now()
    if (left > 0) {
      nak(link, message.reply, Math.min(left, POLL))
      return left
    }
    const again = await look(message)
    if (again === undefined) ack(link, message.reply)
    else nak(link, message.reply, again)
    return 0
  }
}
