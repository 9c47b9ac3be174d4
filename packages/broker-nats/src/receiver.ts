import { DsError } from '@ds/core'
import type { Delivery, HealthCheck } from '@ds/core'
import { nak } from './acknowledge.ts'
import { claimEntry, releaseClaim } from './claim-entry.ts'
import type { Candidate, ConsumerParts } from './claim-entry.ts'
import { durableOf } from './names.ts'
import { drawNonce } from './nonce.ts'
import { QueuePuller } from './pull.ts'
import type { Delivered } from './pull.ts'
import { ensureConsumer } from './topology.ts'

/** Receives for one consumer: pulls what it has room for and claims it. */
export class Receiver {
  readonly #parts: ConsumerParts
  readonly #pullers: readonly QueuePuller[]
  readonly #stopWatching: () => void
  #arrived: Delivered[] = []
  #room = 0
  #onArrival: (() => void) | undefined
  /** Claims that an outage cut off. */
  #doubtful: Candidate[] = []
  #mustEnsure = true
  #stopped = false

  constructor(parts: ConsumerParts) {
    const { link, names, options } = parts
    this.#parts = parts
    this.#pullers = options.queues.map(
      (queue) =>
        new QueuePuller({
          link,
          queue,
          stream: names.queues,
          durable: durableOf(queue),
          onEntry: (entry) => this.#onEntry(entry),
        }),
    )
    this.#stopWatching = link.onReturn(() => (this.#mustEnsure = true))
  }

  /** Creates the queues' consumers on the server, where they are missing. */
  async ensure(): Promise<void> {
    const { link, names, options } = this.#parts
    for (const queue of options.queues) await ensureConsumer(link, names, queue)
    this.#mustEnsure = false
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    while (!signal.aborted && !this.#stopped) {
      if (this.#mustEnsure) await this.ensure()
      const deliveries = await this.#claim(await this.#candidates(max, signal))
      if (deliveries.length > 0) return deliveries
    }
    return []
  }

  /** A queue each: whether its last pull was answered in time. A worker without room asks for nothing, and that is healthy. */
  checks(): HealthCheck[] {
    return this.#pullers.map(({ queue, lastAnswerAt, failure }) => ({
      name: `consumer ${queue}`,
      ok: failure === undefined,
      ...(lastAnswerAt !== undefined && { lastRoundTripAt: lastAnswerAt }),
      ...(failure !== undefined && { message: failure }),
    }))
  }

  /** Ends waiting calls; what arrives from now on goes back. */
  stop(): void {
    this.#stopped = true
    this.#onArrival?.()
  }

  /** Gives back what was claimed by calls whose answer was lost. */
  async release(): Promise<void> {
    for (const candidate of this.#doubtful.splice(0)) await releaseClaim(this.#parts, candidate)
  }

  close(): void {
    this.stop()
    this.#stopWatching()
    for (const puller of this.#pullers) puller.close()
  }

  async #candidates(max: number, signal: AbortSignal): Promise<Candidate[]> {
    const doubtful = this.#doubtful.splice(0, max)
    const entries =
      doubtful.length < max ? await this.#gather(max - doubtful.length, doubtful.length === 0, signal) : []
    return [...doubtful, ...entries.map((entry) => ({ entry, claim: drawNonce(), doubtful: false }))]
  }

  /** Entries of all queues in their order; waits for one where there is none. */
  async #gather(max: number, wait: boolean, signal: AbortSignal): Promise<Delivered[]> {
    this.#room = max
    this.#arrived = []
    try {
      for (const puller of this.#pullers) {
        if (this.#arrived.length < max && !signal.aborted) await puller.now(max - this.#arrived.length)
      }
      if (wait && this.#arrived.length === 0 && !signal.aborted && !this.#stopped) await this.#wait(signal)
      return this.#takeArrived()
    } catch (error) {
      for (const entry of this.#takeArrived()) this.#giveBack(entry)
      this.#mustEnsure = true
      throw error
    }
  }

  #takeArrived(): Delivered[] {
    this.#room = 0
    return this.#arrived.splice(0)
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#onArrival = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    try {
      await Promise.race([woken, ...this.#pullers.map((puller) => puller.wait())])
    } finally {
      this.#onArrival = undefined
    }
  }

  #onEntry(entry: Delivered): void {
    if (this.#stopped || this.#arrived.length >= this.#room) return this.#giveBack(entry)
    this.#arrived.push(entry)
    this.#onArrival?.()
  }

  async #claim(candidates: readonly Candidate[]): Promise<Delivery[]> {
    const claimed = await Promise.all(candidates.map((candidate) => this.#claimOne(candidate)))
    const failed = claimed.find((answer) => DsError.is(answer))
    const deliveries = claimed.filter((answer): answer is Delivery => answer !== undefined && !DsError.is(answer))
    // What was claimed is handed out; the outage shows in the next call.
    if (failed && deliveries.length === 0) throw failed
    return deliveries
  }

  async #claimOne(candidate: Candidate): Promise<Delivery | DsError | undefined> {
    try {
      return await claimEntry(this.#parts, candidate)
    } catch (error) {
      if (!DsError.is(error)) throw error
      this.#doubtful.push({ ...candidate, doubtful: true })
      return error
    }
  }

  #giveBack({ reply }: Delivered): void {
    nak(this.#parts.link, reply)
  }
}
