import { randomBytes } from 'node:crypto'
import { BrokerClosedError } from '@ds/core'
import type {
  ConsumerOptions,
  Delivery,
  DsError,
  HealthCheck,
  Renewal,
  RenewAnswer,
  Result,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '@ds/core'
import { Claimer } from './claimer.ts'
import { decodeToken } from './codec.ts'
import type { Connection, RunScript } from './connection.ts'
import { toBrokerError, toOutage } from './errors.ts'
import { Exchange } from './exchange.ts'
import { Holdings } from './holdings.ts'
import { SILENCE } from './link.ts'
import { JOIN, LEAVE, RENEW } from './lua/index.ts'
import type { Notice } from './notices.ts'
import type { ResolvedOptions } from './options.ts'
import { BLOCK, BlockingReader } from './reader.ts'
import type { GivenEntry } from './reader.ts'
import { consumerName } from './topology.ts'
import type { Topology } from './topology.ts'
import { Upkeep } from './upkeep.ts'

/** What the consumers of a broker share. */
export interface ConsumerEnvironment {
  readonly connection: Connection
  readonly options: ResolvedOptions
  readonly topology: Topology
  /** Milliseconds that the server had run when it was met. */
  readonly uptime: number
  readonly onClose: (consumer: RedisConsumer) => void
}

const APPLIED: Result<SettleAnswer> = { ok: true, value: 'applied' }
const SUPERSEDED: Result<SettleAnswer> = { ok: true, value: 'superseded' }
const LOST: Result<RenewAnswer> = { ok: true, value: { status: 'lost' } }
const RENEWALS: Readonly<Record<number, Result<RenewAnswer>>> = {
  1: { ok: true, value: { status: 'held' } },
  2: { ok: true, value: { status: 'held', cancel: { requeue: false } } },
  3: { ok: true, value: { status: 'held', cancel: { requeue: true } } },
}
/** How long a receive may go without an answer and still count as healthy: a wait and its guard. Milliseconds. */
const HEALTHY: number = BLOCK + SILENCE

/** A worker's membership: it claims, renews and settles, and keeps its queues in order. */
export class RedisConsumer implements TaskConsumer {
  readonly #environment: ConsumerEnvironment
  readonly #queues: readonly string[]
  readonly #name: string
  readonly #reader: BlockingReader
  readonly #exchange: Exchange
  readonly #claimer: Claimer
  readonly #holdings: Holdings
  readonly #upkeep: Upkeep
  #draining = false
  #closed = false
  #receiving = false
  #progressAt: number = Date.now()
  #failure: DsError | undefined

  constructor(environment: ConsumerEnvironment, { queues, workerId, lease, onCancel }: ConsumerOptions) {
    const { connection, options, topology, uptime } = environment
    const claim = randomBytes(6).toString('base64url')
    const name = consumerName(lease, workerId, claim)
    this.#environment = environment
    this.#queues = queues
    this.#name = name
    this.#reader = new BlockingReader({ connection, options, topology, consumer: name })
    this.#holdings = new Holdings({ lease, onCancel })
    this.#upkeep = new Upkeep(connection, queues, { lease, uptime })
    this.#exchange = new Exchange(this.#run)
    this.#claimer = new Claimer({
      run: this.#run,
      exchange: this.#exchange,
      reader: this.#reader,
      holdings: this.#holdings,
      queues,
      lease,
      name,
      claim,
      // What cannot be given back now runs out with its lease.
      onUnwanted: (deliveries) => void this.#release(deliveries).catch(() => undefined),
    })
  }

  get health(): HealthCheck {
    const name = `consumer ${this.#queues.join(', ')}`
    const stuck = this.#receiving && Date.now() - this.#progressAt > HEALTHY
    const message = this.#failure?.message ?? (stuck ? 'its reads are not answered' : undefined)
    const check = { name, ok: message === undefined, lastRoundTripAt: this.#progressAt }
    return message === undefined ? check : { ...check, message }
  }

  async join(): Promise<void> {
    await this.#run(JOIN, this.#queues)
    this.#upkeep.start()
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#closed) throw new BrokerClosedError('The consumer is closed')
    const stop = (): void => this.#claimer.stop()
    signal.addEventListener('abort', stop, { once: true })
    this.#receiving = true
    try {
      return await this.#receive(max, signal)
    } catch (error) {
      this.#failure = toOutage(toBrokerError(error, this.#environment.options.address))
      throw this.#failure
    } finally {
      this.#receiving = false
      signal.removeEventListener('abort', stop)
    }
  }

  async renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    if (items.length === 0) return []
    const leases = items.flatMap(({ lease, progress }) => {
      const { head, queue } = decodeToken(lease.token)
      return [lease.id, head, queue, progress === undefined ? '' : Math.min(1, Math.max(0, progress))]
    })
    const answers = (await this.#run(RENEW, [this.#name, ...leases])) as number[]
    return items.map(({ lease: { id, attempt } }, index) => this.#renewed(id, attempt, answers[index] ?? 0))
  }

  async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    if (items.length === 0) return []
    this.#claimer.noteEnded(items)
    const answers = await this.#exchange.settle(items)
    return items.map(({ lease: { id, attempt } }, index) => {
      this.#letGo(id, attempt)
      return answers[index] === '1' ? APPLIED : SUPERSEDED
    })
  }

  async drain(): Promise<void> {
    this.#draining = true
    this.#claimer.stop()
    await this.#release(await this.#claimer.settleDown())
    await this.#leave(false)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    // What cannot be given back over an outage runs out with its lease.
    await this.drain().catch(() => undefined)
    this.#closed = true
    this.#upkeep.stop()
    await this.#leave(true).catch(() => undefined)
    await this.#reader.close()
    this.#environment.onClose(this)
  }

  /** A cancel was broadcast. */
  notify(notice: Notice): void {
    this.#holdings.notify(notice, this.#claimer.isClaiming)
  }

  async #receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    let given: GivenEntry[] = []
    while (!signal.aborted && !this.#draining) {
      const deliveries = await this.#claimer.take(max, given)
      this.#noteProgress()
      if (deliveries.length > 0) return deliveries
      given = signal.aborted || this.#draining ? [] : await this.#claimer.wait()
      this.#noteProgress()
    }
    if (given.length > 0) await this.#leave(false)
    return []
  }

  async #release(deliveries: readonly Delivery[]): Promise<void> {
    await this.settle(deliveries.map(({ lease }) => ({ lease, outcome: { type: 'released' } })))
  }

  #noteProgress(): void {
    this.#progressAt = Date.now()
    this.#failure = undefined
  }

  #renewed(id: string, attempt: number, answer: number): Result<RenewAnswer> {
    const renewal = RENEWALS[answer]
    if (renewal) this.#holdings.renewed(id, attempt)
    else this.#letGo(id, attempt)
    return renewal ?? LOST
  }

  /** The wait that is going on does not look for suspects while one is held. */
  #letGo(id: string, attempt: number): void {
    if (this.#holdings.letGo(id, attempt)) this.#claimer.wake()
  }

  /** Gives back what was read and not claimed, and leaves the groups where nothing is held any more. */
  async #leave(forGood: boolean): Promise<void> {
    await this.#run(LEAVE, [this.#name, forGood ? 1 : 0, ...this.#queues])
  }

  readonly #run: RunScript = async (script, args, options) => {
    try {
      return await this.#environment.connection.run(script, args, { durable: true, ...options })
    } catch (error) {
      throw toOutage(toBrokerError(error, this.#environment.options.address))
    }
  }
}
