import { BrokerClosedError, DsError } from '@ds/core'
import type {
  ConsumerOptions,
  Delivery,
  Lease,
  Renewal,
  RenewAnswer,
  Result,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '@ds/core'
import type { Parts } from '../parts.ts'
import type { Entry } from '../state/entry.ts'
import { drawName } from '../state/keys.ts'
import { Claimer } from './claimer.ts'
import { Holdings } from './holdings.ts'
import type { Holding } from './holdings.ts'
import type { MemberConsumer } from './presence.ts'
import { renewAll } from './renewals.ts'
import { settleAll } from './settlements.ts'

/** A consumer that asked for nothing for so long gives its partitions to others, in milliseconds. */
const FULL_AFTER = 300
/** What lies on the stage for so long is given back. */
const STAGE_FOR = 1000

interface Waiting {
  readonly max: number
  readonly resolve: (deliveries: Delivery[]) => void
}

/** A worker's membership: the partitions dealt to it, what it waits for, and what it holds. */
export class KafkaConsumer implements TaskConsumer {
  /** Names it in claims and heartbeats. */
  readonly name: string = drawName()
  readonly #parts: Parts
  readonly #options: ConsumerOptions
  readonly #holdings: Holdings
  readonly #claimer: Claimer
  readonly #sweeper: NodeJS.Timeout
  #waiting: Waiting | undefined
  #askedAt = 0
  #hungry = false
  #draining = false
  #closed: Promise<void> | undefined

  constructor(parts: Parts, options: ConsumerOptions) {
    this.#parts = parts
    this.#options = options
    this.#holdings = new Holdings(parts.view)
    this.#claimer = new Claimer({
      parts,
      consumer: this.name,
      queues: options.queues,
      lease: options.lease,
      holdings: this.#holdings,
      onStaged: () => this.#serveWaiting(),
      onRefused: (holding) => void this.#giveBack([holding]).catch(() => undefined),
    })
    this.#sweeper = setInterval(() => this.#sweep(), 100)
    this.#sweeper.unref()
  }

  /** What it says of itself to the others; undefined once it has left. */
  describe(): MemberConsumer | undefined {
    return this.#draining ? undefined : { id: this.name, queues: this.#options.queues, hungry: this.#hungry }
  }

  /** Takes the partitions that were dealt to it. */
  serve(served: ReadonlyMap<string, readonly number[]>): void {
    if (!this.#draining) this.#claimer.serve(served)
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#closed) throw new BrokerClosedError('The consumer is closed')
    if (signal.aborted || this.#draining) return []
    this.#askedAt = Date.now()
    this.#claimer.ask(max)
    if (this.#claimer.stage.length > 0) return this.#handOut(max)
    if (!this.#hungry) this.#turnHungry(true)
    return this.#wait(max, signal)
  }

  renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    return renewAll(this.#context(), items)
  }

  settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    const now = performance.now()
    for (const { lease } of items) {
      const holding = this.#holdings.get(lease.token)
      if (holding) this.#claimer.pace.settled(now - holding.handedOutAt)
    }
    return settleAll(this.#context(), items)
  }

  async drain(): Promise<void> {
    if (this.#draining) return
    this.#draining = true
    this.#claimer.stop()
    this.#waiting?.resolve([])
    this.#hungry = false
    void this.#parts.presence.speak().catch(() => undefined)
    await this.#claimer.settleDown()
    await this.#giveBack(this.#claimer.stage.splice(0)).catch(() => undefined)
  }

  close(): Promise<void> {
    this.#closed ??= this.drain()
    return this.#closed
  }

  /** Nothing of it is needed any more. */
  end(): void {
    clearInterval(this.#sweeper)
    this.#claimer.stop()
  }

  /** Something was folded: there may be tasks to claim, and claims that were won. */
  folded(): void {
    this.#serveWaiting()
    if (this.#waiting) this.#claimer.schedule()
  }

  /** A claim stands whose answer was not waited for any more. */
  adopt(entry: Entry, claim: string): void {
    this.#claimer.adopt(entry, claim)
    if (this.#draining) void this.#giveBack(this.#claimer.stage.splice(0)).catch(() => undefined)
  }

  /** The log has ended a claim. */
  claimEnded(entry: Entry, claim: string): void {
    const holding = this.#holdings.get(claim)
    if (!holding) return
    const staged = this.#claimer.stage.indexOf(holding)
    if (staged >= 0) this.#claimer.stage.splice(staged, 1)
    this.#holdings.end(entry, claim)
    if (this.#waiting) this.#claimer.schedule()
  }

  /** A cancel was asked of a task that it holds. */
  cancelAsked({ task, claim }: Entry): void {
    const holding = this.#holdings.get(claim?.name ?? '')
    if (!holding || !task.cancelRequested) return
    this.#options.onCancel({ taskId: task.id, attempt: task.attempt, requeue: task.cancelRequested.requeue })
  }

  #context(): { parts: Parts; holdings: Holdings; consumer: string; lease: number } {
    return { parts: this.#parts, holdings: this.#holdings, consumer: this.name, lease: this.#options.lease }
  }

  #wait(max: number, signal: AbortSignal): Promise<Delivery[]> {
    return new Promise((resolve) => {
      const end = (deliveries: Delivery[]): void => {
        if (this.#waiting?.resolve !== end) return
        this.#waiting = undefined
        this.#askedAt = Date.now()
        if (deliveries.length === 0) this.#claimer.ask(0)
        signal.removeEventListener('abort', onAbort)
        resolve(deliveries)
      }
      // What is being claimed for this call is handed out by it, or it would have been claimed for nothing.
      const onAbort = (): void => {
        void this.#claimer.settleDown().then(() => {
          if (this.#waiting?.resolve === end) end(this.#handOut(max))
        })
      }
      this.#waiting = { max, resolve: end }
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #serveWaiting(): void {
    const { stage, isQuiet, pace } = this.#claimer
    if (!this.#waiting || stage.length === 0) return
    const { max, resolve } = this.#waiting
    // All that was claimed for the call goes with it; where tasks come and go quickly the next call follows at once.
    if (!isQuiet && stage.length < max && pace.ahead(1) === 0) return
    resolve(this.#handOut(max))
  }

  #handOut(max: number): Delivery[] {
    const holdings = this.#claimer.stage.splice(0, max)
    this.#claimer.pace.handedOut(holdings.length)
    // What is on its way stays wanted; the rest waits for the next call, unless tasks come and go quickly.
    this.#claimer.ask(this.#claimer.pace.ahead(1) > 0 ? 1 : 0)
    return holdings.map((holding) => this.#deliver(holding))
  }

  #deliver(holding: Holding): Delivery {
    const { entry, claim } = holding
    const { task, args = '', errors } = entry
    holding.namedAt = Date.now()
    holding.handedOutAt = performance.now()
    const age = Math.max(0, this.#parts.clock.now() - (entry.claim?.at ?? 0))
    const expiresIn = Math.max(1, this.#options.lease - age)
    const lease: Lease = { id: task.id, attempt: task.attempt, token: claim, expiresIn }
    const previousError = errors?.at(-1)?.error
    return previousError ? { task, args, lease, previousError } : { task, args, lease }
  }

  async #giveBack(holdings: readonly Holding[]): Promise<void> {
    if (holdings.length === 0) return
    const items = holdings.map(({ entry, claim, attempt }) => ({
      lease: { id: entry.id, attempt, token: claim, expiresIn: 0 },
      outcome: { type: 'released' } as const,
    }))
    const answers = await settleAll(this.#context(), items)
    const failed = answers.find(({ ok }) => !ok)
    if (failed && !failed.ok) throw failed.error
  }

  #turnHungry(hungry: boolean): void {
    this.#hungry = hungry
    void this.#parts.presence.speak().catch(() => undefined)
  }

  #sweep(): void {
    const now = Date.now()
    const idle = this.#waiting ? 0 : now - this.#askedAt
    if (this.#hungry && idle > FULL_AFTER) this.#turnHungry(false)
    if (idle > STAGE_FOR && this.#claimer.stage.length > 0)
      void this.#giveBack(this.#claimer.stage.splice(0)).catch(() => undefined)
    this.#loseForgotten(now)
  }

  /** What no renewal has named for a lease is given up, though this consumer lives. */
  #loseForgotten(now: number): void {
    if (this.#closed) return
    const forgotten = [...this.#holdings.all()].filter(
      ({ settled, namedAt }) => !settled && now - namedAt > this.#options.lease,
    )
    if (forgotten.length === 0) return
    for (const holding of forgotten) holding.namedAt = now
    const writes = forgotten.map(({ entry, claim }) => ({
      id: entry.id,
      partition: entry.partition,
      record: { type: 'lost', claim } as const,
    }))
    this.#parts.view.write(writes).catch((error: unknown) => {
      // Tried again one lease later; the keeper of the partition sees to them should this process end.
      if (!DsError.is(error)) throw error
    })
  }
}
