import { setTimeout as delay } from 'node:timers/promises'
import { BrokerClosedError, BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'
import type { Msg, NatsConnection, PublishOptions, Subscription } from '@nats-io/transport-node'
import { dial } from './dial.ts'
import { awayError, notEnabledError, toDsError } from './errors.ts'
import type { PermissionViolation } from './errors.ts'
import type { Settings } from '../options.ts'
import { Requests } from './requests.ts'
import type { Question } from './requests.ts'
import { Tick } from './tick.ts'

const LAST_WORDS = 1000
const LEADER_WAIT = 100

/** A question on its way. `take` throws what is wrong with an answer. */
interface Call {
  readonly question: Question
  readonly doing: string
  /** By `performance.now()`: until then it is asked again where nobody answers. */
  readonly until: number
  readonly take: (answer: Msg) => void
  readonly reject: (error: Error) => void
}

/** The connection to the server. A call over it ends with the connection: nothing waits for an answer that cannot come. */
export class Link {
  readonly settings: Settings
  readonly #requests: Requests
  readonly #inFlight = new Set<(error: DsError) => void>()
  /** Calls that wait for the connection to return. */
  readonly #waiting = new Set<() => void>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #said = new Tick<{ subject: string; payload: string | Uint8Array }>(Infinity, (said) => {
    for (const { subject, payload } of said) this.publish(subject, payload)
  })
  readonly #onReturn = new Set<() => void>()
  readonly #onBreak = new Set<() => void>()
  readonly #onDenied = new Set<(error: PermissionViolation) => void>()
  #client: NatsConnection | undefined
  #js: JetStreamClient | undefined
  #manager: JetStreamManager | undefined
  #away = false
  #closed = false
  #lastAnswerAt: number | undefined
  #returnedAt: number | undefined

  constructor(settings: Settings) {
    this.settings = settings
    const { timeout, connection } = settings
    this.#requests = new Requests(() => this.client, { timeout, inboxPrefix: connection.inboxPrefix })
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
    this.#client = this.settings.client ?? (await dial(this.settings, performance.now() + timeout, signal))
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
    // What was said last must arrive: an entry that is not given back would be missing for seconds.
    if (this.#client && !this.#away) await Promise.race([this.#flush(), delay(LAST_WORDS, undefined, { ref: false })])
    this.#closed = true
    for (const wake of this.#waiting) wake()
    this.#breakOff('the broker is closing')
    // A client that is not ours stays, without what we have left in it.
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    await this.reset()
  }

  /** Ends the connection, so that another can be opened. */
  async reset(): Promise<void> {
    const client = this.#client
    this.#requests.fail(new BrokerClosedError())
    this.#requests.reset()
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

  /**
   * Asks the server, together with all that is asked in this tick. `read` gives what the answer says; what it throws becomes an error of
   * ours. Where nobody answers, because a stream has no leader yet, nothing was done, and it is asked again for as long as a call may take.
   */
  ask<Answer>(question: Question, doing: string, read: (answer: Msg) => Answer): Promise<Answer> {
    // One promise and no more: this is done several times for each task.
    return new Promise((resolve, reject) => {
      const until = performance.now() + this.settings.timeout
      this.#begin({ question, doing, until, reject, take: (answer) => resolve(read(answer)) })
    })
  }

  #begin(call: Call): void {
    if (this.#away) void this.#untilReturn(call.doing).then(() => this.#begin(call), call.reject)
    else if (this.#closed) call.reject(new BrokerClosedError())
    else {
      this.#requests.ask({
        question: call.question,
        onAnswer: (answer) => this.#onAnswer(call, answer),
        onFailure: (error, bytesBefore) => this.#onFailure(call, error, bytesBefore),
      })
    }
  }

  #onAnswer({ doing, take, reject }: Call, answer: Msg): void {
    this.#lastAnswerAt = Date.now()
    try {
      take(answer)
    } catch (error) {
      reject(toDsError(error, doing))
    }
  }

  #onFailure(call: Call, error: Error, bytesBefore: number): void {
    this.#suspectHalfOpen(error, bytesBefore)
    const isPassing = error instanceof errors.NoRespondersError && performance.now() <= call.until
    if (isPassing) setTimeout(() => this.#begin(call), LEADER_WAIT)
    else call.reject(toDsError(error, call.doing))
  }

  /** Sends without waiting. While the server is away nothing is sent: what would arrive late could do harm. */
  publish(subject: string, payload: string | Uint8Array, options?: PublishOptions): void {
    if (!this.#closed && !this.#away) this.#client?.publish(subject, payload, options)
  }

  /**
   * The same, together with all that is said in this tick: the client writes to its socket at the end of each promise job, and a
   * thousand acks would be a thousand writes.
   */
  say(subject: string, payload: string | Uint8Array): void {
    this.#said.add({ subject, payload })
  }

  subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    const subscription = this.client.subscribe(subject, {
      callback: (error, message) => {
        if (error) return
        this.#lastAnswerAt = Date.now()
        onMessage(message)
      },
    })
    this.#subscriptions.add(subscription)
    subscription.closed.finally(() => this.#subscriptions.delete(subscription)).catch(() => undefined)
    return subscription
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

  /** Calls back when the server does not allow something; gives a function that ends that. */
  onDenied(listener: (error: PermissionViolation) => void): () => void {
    this.#onDenied.add(listener)
    return () => this.#onDenied.delete(listener)
  }

  async #flush(): Promise<void> {
    this.#said.flush()
    await this.client.flush().catch(() => undefined)
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

  async #watch(client: NatsConnection): Promise<void> {
    for await (const status of client.status()) {
      if (client !== this.#client) return
      if (status.type === 'disconnect') {
        this.#away = true
        this.#breakOff('the connection broke')
      } else if (status.type === 'reconnect' && this.#away) {
        // It says so once for each time that it has tried.
        this.#away = false
        this.#returnedAt = performance.now()
        this.#lastAnswerAt = Date.now()
        for (const listener of this.#onReturn) listener()
        for (const wake of this.#waiting) wake()
      } else if (status.type === 'error') this.#onServerError(status.error)
    }
    if (client !== this.#client) return
    this.#away = true
    this.#breakOff('the connection is closed')
  }

  #breakOff(why: string): void {
    const error = new BrokerUnavailableError(`NATS did not answer: ${why}`)
    for (const fail of this.#inFlight) fail(error)
    this.#inFlight.clear()
    this.#requests.fail(error)
    for (const listener of this.#onBreak) listener()
  }

  /** What the server does not allow it says apart from the answers. */
  #onServerError(error: Error): void {
    if (!(error instanceof errors.PermissionViolationError)) return
    this.#requests.fail(error, error.subject)
    for (const listener of this.#onDenied) listener(error)
  }

  /** A call that timed out while nothing at all arrived: the other end is gone without a word. Dial anew instead of waiting for pings. */
  #suspectHalfOpen(error: unknown, bytesBefore: number): void {
    if (!(error instanceof errors.TimeoutError) || this.#closed || this.#away) return
    if (this.client.stats().inBytes === bytesBefore) void this.client.reconnect().catch(() => undefined)
  }
}
