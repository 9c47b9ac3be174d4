import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import type { ConsumerConfig } from '@nats-io/jetstream'
import { createInbox, nanos, nuid } from '@nats-io/transport-node'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { Link } from './link.ts'
import { DELIVERED, placeOf } from './pull.ts'
import type { DeliveryPlace } from './pull.ts'

const HEARTBEAT = 1000
const SILENCE = 4 * HEARTBEAT
const RETRY_WAIT = 200
const INACTIVE = 30_000

export interface TailOptions {
  readonly link: Link
  readonly stream: string
  readonly filter: string
  /** Where it begins: with what is written from now on, or at a sequence; 1 is with everything that stands. */
  readonly from: 'new' | number
  readonly onMessage: (message: Msg, place: DeliveryPlace) => void
  /** Messages may have been written over before this tail could see them. */
  readonly onBreak: () => void
}

/**
 * Reads a stream in order, as it is written. After a break it goes on behind the last message it has seen. The server's side of it is
 * a consumer that lives as long as somebody listens.
 */
export class Tail {
  readonly #options: TailOptions
  readonly #stopWatching: (() => void)[]
  #subscription: Subscription | undefined
  #order = 0
  #last = 0
  #heardAt = 0
  #epoch = 0
  #closed = false
  #hasBacklog = false
  #watchdog: NodeJS.Timeout | undefined

  private constructor(options: TailOptions) {
    this.#options = options
    this.#stopWatching = [options.link.onReturn(() => this.#restart())]
  }

  /** Resolves when it is live. */
  static async open(options: TailOptions): Promise<Tail> {
    const tail = new Tail(options)
    try {
      if (options.from !== 'new') tail.#last = options.from - 1
      await tail.#start(options.from === 'new' ? undefined : options.from)
    } catch (error) {
      tail.close()
      throw error
    }
    tail.#watchdog = setInterval(() => tail.#checkSilence(), HEARTBEAT)
    tail.#watchdog.unref()
    return tail
  }

  /** Whether there was something to read when it was opened. */
  get hasBacklog(): boolean {
    return this.#hasBacklog
  }

  /** Sequence of the last message seen, or of the stream's end when it began. */
  get last(): number {
    return this.#last
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#watchdog)
    for (const stop of this.#stopWatching) stop()
    this.#subscription?.unsubscribe()
  }

  async #start(sequence: number | undefined): Promise<void> {
    const { link, stream } = this.#options
    this.#epoch += 1
    const epoch = this.#epoch
    this.#subscription?.unsubscribe()
    const inbox = createInbox(link.settings.connection.inboxPrefix)
    this.#order = 0
    this.#heardAt = performance.now()
    this.#subscription = link.subscribe(inbox, (message) => {
      if (epoch === this.#epoch) this.#onMessage(message)
    })
    const info = await link.call('following the log', () =>
      link.manager.consumers.add(stream, this.#configOf(inbox, sequence)),
    )
    this.#hasBacklog = info.num_pending + info.delivered.consumer_seq > 0
    if (sequence === undefined) this.#last = Math.max(this.#last, info.delivered.stream_seq)
  }

  #configOf(inbox: string, sequence: number | undefined): Partial<ConsumerConfig> {
    return {
      name: nuid.next(),
      deliver_subject: inbox,
      filter_subject: this.#options.filter,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT),
      inactive_threshold: nanos(INACTIVE),
      mem_storage: true,
      num_replicas: 1,
      ...(sequence === undefined
        ? { deliver_policy: DeliverPolicy.New }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence }),
    }
  }

  #onMessage(message: Msg): void {
    this.#heardAt = performance.now()
    const { reply = '' } = message
    // Headers are decoded where they are looked at: those of the log are not.
    if (!reply.startsWith(DELIVERED)) return this.#onStatus(message)
    const place = placeOf(reply)
    if (place.order !== this.#order + 1) return this.#restart()
    this.#order += 1
    this.#last = place.sequence
    this.#options.onMessage(message, place)
  }

  #onStatus(message: Msg): void {
    const { headers } = message
    if (headers?.code !== 100) return this.#restart()
    // A request of flow control is answered when all before it has been read, which here is now.
    if (message.reply) message.respond()
    const stalled = headers.get('Nats-Consumer-Stalled')
    if (stalled !== '') this.#options.link.publish(stalled, '')
    const delivered = headers.get('Nats-Last-Consumer')
    if (delivered !== '' && Number(delivered) !== this.#order) this.#restart()
  }

  #checkSilence(): void {
    if (!this.#options.link.away && performance.now() - this.#heardAt > SILENCE) this.#restart()
  }

  #restart(): void {
    if (this.#closed) return
    this.#options.onBreak()
    const epoch = (this.#epoch += 1)
    this.#start(this.#last + 1).catch(() => {
      // While it is away, its return starts this again.
      if (this.#options.link.away) return
      setTimeout(() => {
        if (this.#epoch === epoch + 1) this.#restart()
      }, RETRY_WAIT).unref()
    })
  }
}
