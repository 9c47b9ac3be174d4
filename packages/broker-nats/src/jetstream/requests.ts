import { Fifo } from '@ds/core'
import { createInbox, errors, headers } from '@nats-io/transport-node'
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node'
import { Tick } from './tick.ts'

const SWEEP = 100

/** Questions under way at a time. What is asked beyond waits here and not at the server, where its answer would come too late. */
const MOST_UNDER_WAY = 1000

/** What is asked of the server. */
export interface Question {
  readonly subject: string
  readonly payload?: string | Uint8Array
  readonly header?: Header
}

/** One header of a message. */
export interface Header {
  readonly name: string
  readonly value: string
}

/** A question, and who is told of its answer or of why there is none. */
export interface Asking {
  readonly question: Question
  readonly onAnswer: (answer: Msg) => void
  /** Called with the client's `TimeoutError` where no answer came in time, and with the bytes that had arrived when it was asked. */
  readonly onFailure: (error: Error, bytesBefore: number) => void
}

interface Asked {
  readonly asking: Asking
  readonly deadline: number
  readonly bytesBefore: number
}

/**
 * Requests in great numbers. The client's own cost several times as much as the message: each has a timer, a trace and a write to the socket of
 * its own. Here all that is asked in a tick goes out in one write, and one timer looks for answers that are late.
 */
export class Requests {
  readonly #client: () => NatsConnection
  readonly #options: { readonly timeout: number; readonly inboxPrefix: string | undefined }
  /** By the number that ends the reply subject. */
  readonly #asked = new Map<number, Asked>()
  /** One of each name, used again and again: the client writes it out at once. */
  readonly #headers = new Map<string, MsgHdrs>()
  readonly #tick = new Tick<Asking>(Infinity, (asking) => this.#sendAll(asking))
  readonly #waiting = new Fifo<Asking>()
  #inbox = ''
  #subscription: Subscription | undefined
  #drawn = 0
  #sweeper: NodeJS.Timeout | undefined

  constructor(client: () => NatsConnection, options: { timeout: number; inboxPrefix: string | undefined }) {
    this.#client = client
    this.#options = options
  }

  ask(asking: Asking): void {
    this.#tick.add(asking)
  }

  /** Ends what waits for an answer: all of it, or what was asked of one subject. */
  fail(error: Error, subject?: string): void {
    const isMeant = ({ question }: Asking): boolean => subject === undefined || question.subject === subject
    const ended: Asking[] = []
    this.#waiting.keep((asking) => {
      if (!isMeant(asking)) return true
      ended.push(asking)
      return false
    })
    for (const [reply, { asking, bytesBefore }] of this.#asked) {
      if (!isMeant(asking)) continue
      this.#asked.delete(reply)
      asking.onFailure(error, bytesBefore)
    }
    for (const asking of ended) asking.onFailure(error, 0)
  }

  /** The connection is another one, or none. */
  reset(): void {
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #sendAll(all: readonly Asking[]): void {
    for (const asking of all) this.#waiting.push(asking)
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    const deadline = performance.now() + this.#options.timeout
    let bytesBefore = 0
    while (this.#asked.size < MOST_UNDER_WAY) {
      const asking = this.#waiting.shift()
      if (!asking) return
      try {
        if (bytesBefore === 0) bytesBefore = this.#client().stats().inBytes
        this.#send({ asking, deadline, bytesBefore })
      } catch (error) {
        asking.onFailure(error instanceof Error ? error : new Error(String(error)), bytesBefore)
      }
    }
  }

  #send(asked: Asked): void {
    const { subject, payload, header } = asked.asking.question
    this.#listen()
    this.#drawn += 1
    const reply = `${this.#inbox}${this.#drawn}`
    this.#client().publish(subject, bytesOf(payload), header ? { reply, headers: this.#with(header) } : { reply })
    this.#asked.set(this.#drawn, asked)
    this.#sweep()
  }

  #with({ name, value }: Header): MsgHdrs {
    const known = this.#headers.get(name)
    const header = known ?? headers()
    if (!known) this.#headers.set(name, header)
    header.set(name, value)
    return header
  }

  #listen(): void {
    if (this.#subscription) return
    this.#inbox = `${createInbox(this.#options.inboxPrefix)}.`
    this.#subscription = this.#client().subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#onAnswer(message)
      },
    })
  }

  #onAnswer(message: Msg): void {
    const number = Number(message.subject.slice(this.#inbox.length))
    const asked = this.#asked.get(number)
    if (!asked) return
    this.#asked.delete(number)
    const { asking, bytesBefore } = asked
    if (message.headers?.code !== 503) asking.onAnswer(message)
    else asking.onFailure(new errors.NoRespondersError(asking.question.subject), bytesBefore)
    if (this.#waiting.length > 0) this.#sendWaiting()
  }

  /** Looks for late answers for as long as any is waited for. */
  #sweep(): void {
    this.#sweeper ??= setInterval(() => {
      const now = performance.now()
      for (const [reply, { deadline, asking, bytesBefore }] of this.#asked) {
        // The oldest come first.
        if (deadline > now) break
        this.#asked.delete(reply)
        asking.onFailure(new errors.TimeoutError(), bytesBefore)
      }
      this.#sendWaiting()
      if (this.#asked.size > 0) return
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
    }, SWEEP)
  }
}

/** Node's own encoder takes its memory from a pool; the client's would ask for some of its own for each message. */
export function bytesOf(payload: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}
