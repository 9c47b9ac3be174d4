import type { Delivery } from '@ds/core'
import { UndecodableError } from './codec.ts'
import type { RunScript } from './connection.ts'
import { claimedOf, claimedTasks } from './deliveries.ts'
import type { ClaimedTask } from './deliveries.ts'
import type { Exchange } from './exchange.ts'
import type { Holdings } from './holdings.ts'
import { LEAVE, PARK, RECOVER } from './lua/index.ts'
import type { BlockingReader, GivenEntry } from './reader.ts'

/** How long an abort waits for the answer to a claim that is under way. Milliseconds. */
const LAST_ANSWER = 250

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
}

interface Waiter {
  readonly resolve: (given: GivenEntry[]) => void
  readonly reject: (error: unknown) => void
}

/** How a consumer gets its tasks: it claims, and waits where there is nothing to claim. */
export class Claimer {
  readonly #options: ClaimerOptions
  /** Claimed for a call that was aborted before the answer came: the next one hands them out. */
  #late: Delivery[] = []
  #claiming: Promise<unknown> | undefined
  /** The wait of the blocking reader, which may outlast the call that began it. */
  #reading: Promise<void> | undefined
  #waiter: Waiter | undefined
  #interrupt: (() => void) | undefined
  /** Set when an answer was lost: something may be ours that nobody here knows of. */
  #unsure = false
  #lookedAt = 0

  constructor(options: ClaimerOptions) {
    this.#options = options
  }

  get isClaiming(): boolean {
    return this.#claiming !== undefined
  }

  /** Claims what there is, or nothing. After {@link stop} it answers soon, and what comes later is handed out by the next call. */
  take(max: number, given: readonly GivenEntry[]): Promise<Delivery[]> {
    const late = this.#late.splice(0, max)
    if (late.length > 0) return Promise.resolve(late)
    const claiming = this.#claim(max, given)
    this.#claiming = claiming
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      let left = false
      this.#interrupt = () => {
        timer ??= setTimeout(() => {
          left = true
          resolve([])
        }, LAST_ANSWER)
      }
      const end = (): void => {
        this.#interrupt = undefined
        this.#claiming = undefined
        clearTimeout(timer)
      }
      claiming.then(
        (deliveries) => {
          end()
          if (left) this.#late.push(...deliveries)
          else resolve(deliveries)
          this.#options.holdings.tellEarly(deliveries)
        },
        (error: unknown) => {
          end()
          this.#unsure = true
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
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

  /** Waits until nothing is under way, and gives what was claimed and not handed out. */
  async settleDown(): Promise<Delivery[]> {
    await this.#claiming?.catch(() => undefined)
    await this.#reading
    return this.#late.splice(0)
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
