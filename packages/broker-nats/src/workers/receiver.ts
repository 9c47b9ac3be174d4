import { DsError } from '@ds/core'
import type { Delivery, HealthCheck } from '@ds/core'
import { nak } from '../jetstream/acknowledge.ts'
import { claimEntry, releaseClaim } from './claim-entry.ts'
import type { Candidate, ConsumerParts } from './claim-entry.ts'
import { durableOf } from '../names.ts'
import { drawNonce } from '../records/nonce.ts'
import { QueuePuller } from '../jetstream/pull.ts'
import type { Delivered } from '../jetstream/pull.ts'

/** Receives for one consumer: pulls what it has room for and claims it. */
export class Receiver {
  readonly #parts: ConsumerParts
  readonly #pullers: readonly QueuePuller[]
  readonly #stopWatching: () => void
  /** Claims of the call that receives. */
  #claims: Promise<Delivery | DsError | undefined>[] = []
  /** Entries that it can still take. */
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
          stream: names.tasks,
          durable: durableOf(queue),
          onEntry: (entry) => this.#onEntry(entry),
        }),
    )
    this.#stopWatching = link.onReturn(() => (this.#mustEnsure = true))
  }

  /** Creates the queues' consumers on the server, where they are missing. */
  async ensure(): Promise<void> {
    const { queues, options } = this.#parts
    for (const queue of options.queues) await queues.open(queue)
    this.#mustEnsure = false
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    while (!signal.aborted && !this.#stopped) {
      if (this.#mustEnsure) await this.ensure()
      const deliveries = await this.#claim(max, signal)
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
    const releasing = this.#doubtful.splice(0).map((candidate) => releaseClaim(this.#parts, candidate))
    const failed = (await Promise.allSettled(releasing)).find((released) => released.status === 'rejected')
    if (failed) throw failed.reason
  }

  close(): void {
    this.stop()
    this.#stopWatching()
    for (const puller of this.#pullers) puller.close()
  }

  /** Claims what an outage cut off, then what arrives. What was claimed is handed out; an outage shows in the next call. */
  async #claim(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const doubtful = this.#doubtful.splice(0, max)
    const claims = doubtful.map((candidate) => this.#claimOne(candidate))
    this.#claims = claims
    this.#room = max - claims.length
    const outage = await this.#gather(signal)
    const claimed = await Promise.all(claims)
    const deliveries = claimed.filter((answer): answer is Delivery => answer !== undefined && !DsError.is(answer))
    const failure = outage ?? claimed.find((answer) => DsError.is(answer))
    if (failure && deliveries.length === 0) throw failure
    return deliveries
  }

  /** Lets entries of all queues arrive, in their order; waits for one where there is none. Gives the outage that it met. */
  async #gather(signal: AbortSignal): Promise<DsError | undefined> {
    try {
      for (const puller of this.#pullers) {
        if (this.#room > 0 && !signal.aborted) await puller.now(this.#room)
      }
      if (this.#claims.length === 0 && !signal.aborted && !this.#stopped) await this.#wait(signal)
      return undefined
    } catch (error) {
      if (!DsError.is(error)) throw error
      this.#mustEnsure = true
      return error
    } finally {
      this.#room = 0
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
    const onAbort = (): void => wake()
    this.#onArrival = wake
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([woken, ...this.#pullers.map((puller) => puller.wait())])
    } finally {
      // A signal may last for as long as the worker: it must not collect what waited for it.
      signal.removeEventListener('abort', onAbort)
      this.#onArrival = undefined
    }
  }

  /** Claimed as it arrives: the server is busy with the first while the others are still on their way. */
  #onEntry(entry: Delivered): void {
    if (this.#stopped || this.#room === 0) return nak(this.#parts.link, entry.reply)
    this.#room -= 1
    const claim = this.#claimOne({ entry, claim: drawNonce(), doubtful: false })
    // Awaited with the others, when all have arrived.
    claim.catch(() => undefined)
    this.#claims.push(claim)
    this.#onArrival?.()
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
}
