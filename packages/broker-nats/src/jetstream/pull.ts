import { createInbox, errors, nanos } from '@nats-io/transport-node'
import type { Msg, MsgHdrs, Subscription } from '@nats-io/transport-node'
import { findConsumer } from './durable.ts'
import type { Link } from './link.ts'
import { HANDOVER } from './topology.ts'

/** An entry as it was delivered: this consumer's until its lease runs out, acknowledged through its reply subject. */
export interface Delivered extends DeliveryPlace {
  readonly queue: string
  readonly subject: string
  readonly bytes: Uint8Array
  readonly reply: string
  /**
   * By `performance.now()`: from then on it may have been given to another, if this process or the network stands still. What it says is to
   * be read again.
   */
  readonly freshUntil: number
}

/** What the reply subject of a delivered message tells. */
export interface DeliveryPlace {
  /** Deliveries of it, as far as the server remembers, this one included. */
  readonly count: number
  /** Sequence in the stream. */
  readonly sequence: number
  /** The consumer's own count of deliveries. */
  readonly order: number
  /** When the stream stored it, in milliseconds. */
  readonly storedAt: number
  /** How many more the consumer has to deliver. */
  readonly pending: number
}

/** How long a waiting pull stays at the server. Its end is a sign of life, as an entry is. */
const WAIT = 5000
const GRACE = 2000
/** A look that is not answered by then is asked after. */
const LOOK = 100
const NOTHING_LEFT: readonly number[] = [404, 408]

export interface PullerOptions {
  readonly link: Link
  readonly stream: string
  readonly durable: string
  readonly queue: string
  readonly onEntry: (entry: Delivered) => void
}

interface PullRequest {
  readonly batch: number
  readonly no_wait?: boolean
  readonly expires?: number
}

/** When a pull counts as not answered, and what is done about it. */
interface Patience {
  readonly timeout: number
  readonly onLate: (pull: Pull) => void
}

interface Pull {
  left: number
  readonly freshUntil: number
  readonly end: () => void
  /** Nobody waits for it any more. What is still sent for it is taken like the rest. */
  readonly leave: () => void
  readonly fail: (error: Error) => void
}

/** Asks the server for entries of one queue, exactly as many as can be used: what is delivered is leased from that moment on. */
export class QueuePuller {
  readonly queue: string
  readonly #options: PullerOptions
  readonly #inbox: string
  readonly #subscription: Subscription
  readonly #stopWatching: readonly (() => void)[]
  readonly #asking: string
  /** In the order in which the server serves them. */
  readonly #pulls = new Map<string, Pull>()
  #drawn = 0
  #waiting: Promise<void> | undefined
  #lastAnswerAt: number | undefined
  #failure: string | undefined

  constructor(options: PullerOptions) {
    const { link, queue } = options
    this.#options = options
    this.queue = queue
    this.#inbox = createInbox(link.settings.connection.inboxPrefix)
    this.#subscription = link.subscribe(`${this.#inbox}.*`, (message) => this.#onMessage(message))
    this.#asking = `${link.apiPrefix}.CONSUMER.MSG.NEXT.${options.stream}.${options.durable}`
    this.#stopWatching = [
      link.onBreak(() => this.#forget(new Error('the pull was broken off'))),
      link.onDenied((error) => {
        if (error.subject === this.#asking) this.#forget(error)
      }),
    ]
  }

  /** `Date.now()` when the server last answered a pull, be it with nothing. */
  get lastAnswerAt(): number | undefined {
    return this.#lastAnswerAt
  }

  /** What the last pull met, if it was not answered. */
  get failure(): string | undefined {
    return this.#failure
  }

  /**
   * Asks for what is there, at most `max`. Resolves when all of it has arrived. Where a pull of this queue waits already nothing is asked:
   * that one is before it in the line.
   */
  now(max: number): Promise<void> {
    if (this.#waiting) return Promise.resolve()
    return this.#pull({ batch: max, no_wait: true }, { timeout: LOOK, onLate: (pull) => void this.#askAfter(pull) })
  }

  /** Waits for one entry. Resolves when it has arrived, or after some seconds without. Waits once, however often it is called. */
  wait(): Promise<void> {
    const patience = { timeout: WAIT + GRACE, onLate: ({ fail }: Pull) => fail(new errors.TimeoutError()) }
    this.#waiting ??= this.#pull({ batch: 1, expires: nanos(WAIT) }, patience).finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  close(): void {
    for (const stop of this.#stopWatching) stop()
    this.#subscription.unsubscribe()
    this.#forget(new Error('the pull was broken off'))
  }

  async #pull(request: PullRequest, patience: Patience): Promise<void> {
    try {
      if (!(await this.#send(request, patience))) return
      this.#lastAnswerAt = Date.now()
      this.#failure = undefined
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  /** Whether it was answered; false where nobody waits for that any more. */
  #send(request: PullRequest, { timeout, onLate }: Patience): Promise<boolean> {
    const { link } = this.#options
    return link.call('receiving', () => {
      this.#drawn += 1
      const reply = `${this.#inbox}.${this.#drawn}`
      return new Promise((resolve, reject) => {
        const settle = (end: () => void): void => {
          clearTimeout(timer)
          this.#pulls.delete(reply)
          end()
        }
        const pull: Pull = {
          left: request.batch,
          freshUntil: performance.now() + HANDOVER,
          end: () => settle(() => resolve(true)),
          leave: () => settle(() => resolve(false)),
          fail: (error) => settle(() => reject(error)),
        }
        const timer = setTimeout(() => onLate(pull), timeout)
        this.#pulls.set(reply, pull)
        link.publish(this.#asking, JSON.stringify(request), { reply })
      })
    })
  }

  /**
   * Servers before 2.11.11 and 2.12.2 forget to answer a look that saw something which then went to another. Where its consumer answers
   * something else, and by the same way, no more is to be expected.
   */
  async #askAfter({ leave, fail }: Pull): Promise<void> {
    const { link, stream, durable } = this.#options
    try {
      if (!(await findConsumer(link, stream, durable))) throw new Error(`the consumer ${durable} is gone`)
      setTimeout(leave, LOOK).unref()
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Pulls do not outlive their connection: nothing answers them any more. */
  #forget(error: Error): void {
    for (const { fail } of this.#pulls.values()) fail(error)
  }

  #onMessage(message: Msg): void {
    const { subject, reply = '' } = message
    // Headers are decoded where they are looked at: those of an entry are not.
    if (!reply.startsWith(DELIVERED)) return this.#onStatus(subject, message.headers)
    const { queue, onEntry } = this.#options
    const pull = this.#oldestPull()
    const freshUntil = pull?.freshUntil ?? 0
    onEntry({ queue, subject, bytes: message.data, reply, freshUntil, ...placeOf(reply) })
    if (!pull) return
    pull.left -= 1
    if (pull.left === 0) pull.end()
  }

  #oldestPull(): Pull | undefined {
    for (const pull of this.#pulls.values()) return pull
    return undefined
  }

  #onStatus(subject: string, status: MsgHdrs | undefined): void {
    const pull = this.#pulls.get(subject)
    if (!pull || status === undefined || status.code < 400) return
    if (NOTHING_LEFT.includes(status.code)) pull.end()
    else pull.fail(new Error(`${status.code} ${status.description}`))
  }
}

/** What the reply subject of a delivered message begins with. */
export const DELIVERED = '$JS.ACK.'

/** Reads `$JS.ACK.[domain.account.]stream.consumer.COUNT.SEQUENCE.ORDER.TIME.pending[.random]`. */
export function placeOf(reply: string): DeliveryPlace {
  const tokens = reply.split('.')
  const first = tokens.length === 9 ? 4 : 6
  return {
    count: Number(tokens[first]),
    sequence: Number(tokens[first + 1]),
    order: Number(tokens[first + 2]),
    storedAt: Math.floor(Number(tokens[first + 3]) / 1e6),
    pending: Number(tokens[first + 4]),
  }
}
