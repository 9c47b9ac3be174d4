import type { Delivery, Settlement } from '@ds/core'
import { UndecodableError } from './codec.ts'
import type { RunScript } from './connection.ts'
import { claimedOf, claimedTasks } from './deliveries.ts'
import type { ClaimedTask } from './deliveries.ts'
import { WORTH_HALVING } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Holdings } from './holdings.ts'
import { LEAVE, PARK, RECOVER } from './lua/index.ts'
import { Pace } from './pace.ts'
import type { BlockingReader, GivenEntry } from './reader.ts'

/** How long an abort waits for the answer to a claim that is under way. Milliseconds. */
const LAST_ANSWER = 250

/** How long what was claimed waits for a call that takes it. Milliseconds. */
const UNWANTED_AFTER = 50

/** How often a busy claimer also looks for due delays and suspects; an idle one always does. Milliseconds. */
const LOOK_INTERVAL = 20

export interface ClaimerOptions {
  readonly run: RunScript
  readonly exchange: Exchange
  readonly reader: BlockingReader
  readonly holdings: Holdings
  readonly queues: readonly string[]
  /** Milliseconds. */
  readonly lease: number
  /** The consumer's name in the server's lists. */
  readonly name: string
  /** The nonce of its claims. */
  readonly claim: string
  /** Gives back what was claimed and no call has taken. */
  readonly onUnwanted: (deliveries: readonly Delivery[]) => void
}

interface Waiter {
  readonly resolve: (given: GivenEntry[]) => void
  readonly reject: (error: unknown) => void
}

/** A call that waits for what claims under way bring. */
interface Taker {
  readonly max: number
  readonly resolve: (deliveries: Delivery[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * How a consumer gets its tasks: it claims, and waits where there is nothing to claim. What is claimed is staged until a call takes it:
 * at once, but for what is claimed ahead (see {@link Pace}) and what comes after the call that asked for it was aborted.
 */
export class Claimer {
  readonly #options: ClaimerOptions
  readonly #pace = new Pace()
  #stage: Delivery[] = []
  readonly #claims = new Set<Promise<void>>()
  /** Tasks that claims under way may bring. */
  #expected = 0
  #taker: Taker | undefined
  #unwanted: NodeJS.Timeout | undefined
  /** The wait of the blocking reader, which may outlast the call that began it. */
  #reading: Promise<void> | undefined
  #waiter: Waiter | undefined
  #interrupt: (() => void) | undefined
  /** Set when an answer was lost: something may be ours that nobody here knows of. */
  #unsure = false
  #stopped = false
  #lookedAt = 0

  constructor(options: ClaimerOptions) {
    this.#options = options
  }

  /** Something may be on its way to the worker. */
  get isClaiming(): boolean {
    return this.#claims.size > 0 || this.#stage.length > 0
  }

  /** Claims what there is, or nothing. After {@link stop} it answers soon, and what comes later is handed out by the next call. */
  take(max: number, given: readonly GivenEntry[]): Promise<Delivery[]> {
    clearTimeout(this.#unwanted)
    this.#ask(max, given)
    // What is asked for goes out first, so that the server is at it while these run.
    if (this.#stage.length > 0) return this.#options.exchange.sent().then(() => this.#handOut(max))
    return new Promise((resolve, reject) => {
      this.#taker = { max, resolve, reject }
      this.#interrupt = () => {
        this.#interrupt = undefined
        const taker = this.#taker
        setTimeout(() => {
          if (this.#taker === taker) this.#endTake()?.resolve([])
        }, LAST_ANSWER)
      }
    })
  }

  /** These are being settled: their slots are free. */
  noteEnded(items: readonly Settlement[]): void {
    const { count, average } = this.#options.holdings.turnaround(items)
    if (count > 0) this.#pace.note(count, average)
    if (this.#pace.mayClaimAhead && !this.#reading) this.#ask(0, [])
  }

  /** Waits until there may be something to claim. After {@link stop} it answers at once. */
  wait(): Promise<GivenEntry[]> {
    this.#reading ??= this.#read()
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#interrupt = () => {
        this.#waiter = undefined
        this.#options.reader.interrupt()
        resolve([])
      }
    })
  }

  /** Ends the call that is under way. */
  stop(): void {
    this.#interrupt?.()
  }

  /** Begins a wait anew, because it may look for more now. */
  wake(): void {
    this.#options.reader.interrupt()
  }

  /** Claims no more, waits until nothing is under way, and gives what was claimed and not handed out. */
  async settleDown(): Promise<Delivery[]> {
    this.#stopped = true
    clearTimeout(this.#unwanted)
    await Promise.all(this.#claims)
    await this.#reading
    return this.#stage.splice(0)
  }

  /** Claims what is missing to `max` and to what the pace allows beyond it: in two halves, where nothing is under way. */
  #ask(max: number, given: readonly GivenEntry[]): void {
    const wanted = this.#pace.target(max) - this.#stage.length - this.#expected
    if (this.#stopped || this.#options.exchange.isTaking || (given.length === 0 && wanted <= 0)) return
    // One claim at a time clears up what was lost: two would find the same.
    if (this.#unsure && this.#claims.size > 0) return
    // What is on its way is most of it: the few that are missing are claimed with the next.
    if (given.length === 0 && wanted < this.#expected / 2) return
    const halves = wanted >= WORTH_HALVING && given.length === 0 && this.#claims.size === 0 && !this.#unsure
    const first = halves ? Math.ceil(wanted / 2) : Math.max(1, wanted)
    this.#begin(first, given)
    if (halves) this.#begin(wanted - first, given)
  }

  #begin(count: number, given: readonly GivenEntry[]): void {
    this.#expected += count
    const claim: Promise<void> = this.#claim(count, given).then(
      (deliveries) => this.#claimed(count, claim, deliveries),
      (error: unknown) => this.#notClaimed(count, claim, error),
    )
    this.#claims.add(claim)
  }

  #claimed(count: number, claim: Promise<void>, deliveries: readonly Delivery[]): void {
    this.#expected -= count
    this.#claims.delete(claim)
    this.#stage.push(...deliveries)
    if (this.#taker && (this.#stage.length > 0 || this.#claims.size === 0)) {
      const taker = this.#endTake()
      taker?.resolve(this.#handOut(taker.max))
    } else this.#watchStage()
  }

  #notClaimed(count: number, claim: Promise<void>, error: unknown): void {
    this.#expected -= count
    this.#claims.delete(claim)
    this.#unsure = true
    this.#endTake()?.reject(error instanceof Error ? error : new Error(String(error)))
  }

  #endTake(): Taker | undefined {
    const taker = this.#taker
    this.#taker = undefined
    this.#interrupt = undefined
    return taker
  }

  #handOut(max: number): Delivery[] {
    const deliveries = this.#stage.splice(0, max)
    this.#options.holdings.handOut(deliveries, !this.isClaiming)
    this.#watchStage()
    return deliveries
  }

  /** What no call takes in time goes back to the queue: its worker is busier than it seemed. */
  #watchStage(): void {
    clearTimeout(this.#unwanted)
    if (this.#stage.length === 0 || this.#stopped) return
    this.#unwanted = setTimeout(() => {
      this.#pace.reset()
      this.#options.onUnwanted(this.#stage.splice(0))
    }, UNWANTED_AFTER)
  }

  async #claim(max: number, given: readonly GivenEntry[]): Promise<Delivery[]> {
    if (this.#unsure) {
      const recovered = await this.#recover(max)
      if (recovered.length > 0) return recovered
    }
    const { exchange, name, claim, queues } = this.#options
    const looks = given.length > 0 || Date.now() - this.#lookedAt >= LOOK_INTERVAL
    if (looks) this.#lookedAt = Date.now()
    const entries = given.flatMap(({ queue, kind, entry }) => [queue, kind, entry])
    const suspects = looks ? this.#suspects : 0
    const args = [name, claim, max, looks ? 1 : 0, suspects, given.length, ...entries, ...queues]
    return this.#hold(await exchange.take(args))
  }

  async #recover(max: number): Promise<Delivery[]> {
    const { run, name, claim, queues, holdings } = this.#options
    const args = [name, claim, max, this.#suspects, queues.length, ...queues, ...holdings.entries]
    const answer = (await run(RECOVER, args)) as string[]
    this.#unsure = answer[0] === '1'
    return this.#hold(claimedTasks(answer))
  }

  get #suspects(): number {
    return this.#options.holdings.mayTakeSuspect ? 1 : 0
  }

  async #hold(tasks: readonly ClaimedTask[]): Promise<Delivery[]> {
    const deliveries: Delivery[] = []
    for (const task of tasks) {
      try {
        const claimed = claimedOf(task, this.#options.lease)
        this.#options.holdings.add(claimed)
        deliveries.push(claimed.delivery)
      } catch (error) {
        if (!(error instanceof UndecodableError)) throw error
        await this.#park(task, error.message)
      }
    }
    return deliveries
  }

  async #park({ id, record }: ClaimedTask, reason: string): Promise<void> {
    await this.#options.run(PARK, [id, record, reason])
  }

  async #read(): Promise<void> {
    const { reader, queues, holdings } = this.#options
    try {
      const given = await reader.read(queues, holdings.mayTakeSuspect)
      const waiter = this.#endWait()
      if (waiter) waiter.resolve(given)
      else if (given.length > 0) await this.#giveBack()
    } catch (error) {
      this.#unsure = true
      this.#endWait()?.reject(error)
    }
  }

  #endWait(): Waiter | undefined {
    const waiter = this.#waiter
    this.#reading = undefined
    this.#waiter = undefined
    this.#interrupt = undefined
    return waiter
  }

  /** What the reader was given and nobody wants any more. */
  async #giveBack(): Promise<void> {
    const { run, name, queues } = this.#options
    await run(LEAVE, [name, 0, ...queues])
  }
}
