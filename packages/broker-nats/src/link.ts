import { BrokerClosedError, BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import { connect, errors } from '@nats-io/transport-node'
import type { Msg, NatsConnection, PublishOptions, Subscription } from '@nats-io/transport-node'
import { notEnabledError, permanent, toDsError } from './errors.ts'
import type { Settings } from './options.ts'

const DIAL_TIMEOUT = 2000
const DIAL_WAIT = 200

/** The connection to the server. A call over it ends with the connection: nothing waits for an answer that cannot come. */
export class Link {
  readonly settings: Settings
  readonly #inFlight = new Set<(error: DsError) => void>()
  /** Calls that wait for the connection to return. */
  readonly #waiting = new Set<() => void>()
  readonly #onReturn = new Set<() => void>()
  readonly #onBreak = new Set<() => void>()
  #client: NatsConnection | undefined
  #js: JetStreamClient | undefined
  #manager: JetStreamManager | undefined
  #away = false
  #closed = false
  #lastAnswerAt: number | undefined
  #returnedAt: number | undefined

  constructor(settings: Settings) {
    this.settings = settings
  }

  get client(): NatsConnection {
    if (!this.#client) throw new BrokerClosedError()
    return this.#client
  }

  get js(): JetStreamClient {
    if (!this.#js) throw new BrokerClosedError()
    return this.#js
  }

  get manager(): JetStreamManager {
    if (!this.#manager) throw new BrokerClosedError()
    return this.#manager
  }

  /** Prefix of the JetStream API's subjects. */
  get apiPrefix(): string {
    return this.settings.domain === undefined ? '$JS.API' : `$JS.${this.settings.domain}.API`
  }

  /** By this process's clock: `Date.now()` when something last came from the server. */
  get lastAnswerAt(): number | undefined {
    return this.#lastAnswerAt
  }

  /** When the connection last came back after a break, by `performance.now()`; undefined if it never broke. */
  get returnedAt(): number | undefined {
    return this.#returnedAt
  }

  get away(): boolean {
    return this.#away
  }

  async open({ timeout, signal }: { timeout: number; signal?: AbortSignal }): Promise<void> {
    this.#client = this.settings.client ?? (await this.#dial(performance.now() + timeout, signal))
    const options = {
      timeout: this.settings.timeout,
      ...(this.settings.domain !== undefined && { domain: this.settings.domain }),
    }
    this.#js = jetstream(this.#client, options)
    this.#manager = await jetstreamManager(this.#client, { ...options, checkAPI: false })
    // In a cluster, or behind a leaf node, another server may have it.
    const { info } = this.#client
    if (info?.jetstream !== true && info?.cluster === undefined && this.settings.domain === undefined)
      throw notEnabledError()
    this.#lastAnswerAt = Date.now()
    this.#away = false
    void this.#watch(this.#client)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#waiting) wake()
    this.#breakOff('the broker is closing')
    await this.reset()
  }

  /** Ends the connection, so that another can be opened. */
  async reset(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    if (this.settings.client === undefined) await client?.close()
  }

  /**
   * Makes a request. Rejects with an error of ours, at the latest after the timeout, at once where the connection breaks. While it is
   * broken a call waits for it as long: a short break is not worth telling.
   */
  async call<Answer>(doing: string, run: () => Promise<Answer>): Promise<Answer> {
    if (this.#away) await this.#untilReturn(doing)
    if (this.#closed) throw new BrokerClosedError()
    const before = this.client.stats().inBytes
    return new Promise((resolve, reject) => {
      const fail = (error: DsError): void => reject(error)
      this.#inFlight.add(fail)
      run()
        .then(
          (answer) => {
            this.#lastAnswerAt = Date.now()
            resolve(answer)
          },
          (error: unknown) => {
            this.#suspectHalfOpen(error, before)
            reject(toDsError(error, doing))
          },
        )
        .finally(() => this.#inFlight.delete(fail))
    })
  }

  /** A request to a subject of the server, such as a confirmed ack. */
  request(subject: string, payload: string, doing: string): Promise<Msg> {
    return this.call(doing, () => this.client.request(subject, payload, { timeout: this.settings.timeout }))
  }

  /** Sends without waiting. While the server is away nothing is sent: what would arrive late could do harm. */
  publish(subject: string, payload: string, options?: PublishOptions): void {
    if (!this.#closed && !this.#away) this.client.publish(subject, payload, options)
  }

  subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    return this.client.subscribe(subject, {
      callback: (error, message) => {
        if (error) return
        this.#lastAnswerAt = Date.now()
        onMessage(message)
      },
    })
  }

  /** Calls back when the connection is there again after a break; gives a function that ends that. */
  onReturn(listener: () => void): () => void {
    this.#onReturn.add(listener)
    return () => this.#onReturn.delete(listener)
  }

  /** Calls back when the connection breaks; gives a function that ends that. */
  onBreak(listener: () => void): () => void {
    this.#onBreak.add(listener)
    return () => this.#onBreak.delete(listener)
  }

  #untilReturn(doing: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        clearTimeout(late)
        this.#waiting.delete(wake)
        settle()
      }
      const wake = end(resolve)
      const late = setTimeout(
        end(() => reject(awayError(doing))),
        this.settings.timeout,
      )
      this.#waiting.add(wake)
    })
  }

  async #dial(until: number, signal: AbortSignal | undefined): Promise<NatsConnection> {
    for (;;) {
      try {
        return await this.#connectOnce(Math.max(1, Math.min(DIAL_TIMEOUT, until - performance.now())), signal)
      } catch (error) {
        const refused = permanent(error, 'connecting')
        if (refused) throw refused
        if (signal?.aborted) throw new BrokerUnavailableError('Connecting to NATS was aborted', { cause: error })
        if (performance.now() + DIAL_WAIT >= until) {
          const fix = 'Check the address, and that the server runs'
          throw new BrokerUnavailableError(`NATS at ${this.settings.address} cannot be reached`, { fix, cause: error })
        }
        await pause(DIAL_WAIT, signal)
      }
    }
  }

  async #connectOnce(timeout: number, signal: AbortSignal | undefined): Promise<NatsConnection> {
    const connecting = connect({
      name: 'ds',
      reconnectTimeWait: 200,
      reconnectJitter: 100,
      pingInterval: 5000,
      maxPingOut: 2,
      ...this.settings.connection,
      servers: [...this.settings.servers],
      timeout,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: false,
    })
    const aborted = new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(new Error('aborted'))
      signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    })
    try {
      return await Promise.race([connecting, aborted])
    } catch (error) {
      // One that arrives after the abort would stay open for ever.
      connecting
        .then(
          (late) => late.close(),
          () => undefined,
        )
        .catch(() => undefined)
      throw error
    }
  }

  async #watch(client: NatsConnection): Promise<void> {
    for await (const status of client.status()) {
      if (client !== this.#client) return
      if (status.type === 'disconnect') {
        this.#away = true
        this.#breakOff('the connection broke')
      } else if (status.type === 'reconnect') {
        this.#away = false
        this.#returnedAt = performance.now()
        this.#lastAnswerAt = Date.now()
        for (const listener of this.#onReturn) listener()
        for (const wake of this.#waiting) wake()
      }
    }
    if (client !== this.#client) return
    this.#away = true
    this.#breakOff('the connection is closed')
  }

  #breakOff(why: string): void {
    for (const fail of this.#inFlight) fail(new BrokerUnavailableError(`NATS did not answer: ${why}`))
    this.#inFlight.clear()
    for (const listener of this.#onBreak) listener()
  }

  /** A call that timed out while nothing at all arrived: the other end is gone without a word. Dial anew instead of waiting for pings. */
  #suspectHalfOpen(error: unknown, bytesBefore: number): void {
    if (!(error instanceof errors.TimeoutError) || this.#closed || this.#away) return
    if (this.client.stats().inBytes === bytesBefore) void this.client.reconnect().catch(() => undefined)
  }
}

function awayError(doing: string): BrokerUnavailableError {
  return new BrokerUnavailableError(`NATS is away while ${doing}`, { fix: 'It is tried again when the server is back' })
}

function pause(time: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
