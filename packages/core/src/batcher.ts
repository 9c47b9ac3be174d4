import type { Result } from './broker/broker.ts'
import type { BatchLimits } from './broker/capabilities.ts'
import { DsError } from './errors.ts'

/** How a {@link Batcher} sends. */
export interface BatcherOptions<Item, Answer> {
  /** Sends one batch; answers come in the order of the items. A rejection is the answer to every item. */
  readonly send: (items: readonly Item[]) => Promise<Result<Answer>[]>
  readonly limits: BatchLimits
  /** Bytes an item counts for. Default: none. */
  readonly size?: (item: Item) => number
}

/** Hears the answer to one item. Must not throw. */
export type OnAnswer<Answer> = (answer: Result<Answer>) => void

/** A batch beside others has at least one item for so many of the one before it. */
const LEAST_SHARE = 4

/** So many are worth two batches, where nothing is under way: the server is at one while the answers to the other are worked off. */
const WORTH_HALVING = 32

interface Waiting<Item, Answer> {
  readonly item: Item
  readonly onAnswer: OnAnswer<Answer>
}

/**
 * Turns calls for one item into calls for many. It sends at the end of the tick while fewer than `limits.inFlight` batches are under
 * way, and otherwise joins what arrives until one returns: the busier the server, the larger the batches, with no timer involved.
 * A batch that is much smaller than the one sent before it waits as well, or a stream of items would fall apart into ever smaller ones;
 * and many that wait while nothing is under way are sent in two halves, or server and client would take turns instead of working side by side.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>
  #waiting: Waiting<Item, Answer>[] = []
  #inFlight = 0
  #lastSize = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options
  }

  /** Items that were added and not answered yet, in batches under way and waiting for one. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#waiting.length > 0
  }

  /** Adds an item; `onAnswer` is called once and must not throw. */
  add(item: Item, onAnswer: OnAnswer<Answer>): void {
    this.#waiting.push({ item, onAnswer })
    this.#schedule()
  }

  /** Adds an item and waits for its answer. Rejects with the item's own error. */
  send(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.add(item, (answer) => (answer.ok ? resolve(answer.value) : reject(answer.error)))
    })
  }

  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void> {
    return this.busy ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve()
  }

  #schedule(): void {
    if (this.#scheduled || !this.#maySend) return
    this.#scheduled = true
    // A task behind the promise jobs of this tick, so that all they add travels together.
    process.nextTick(() => {
      this.#scheduled = false
      this.#sendAll()
    })
  }

  get #maySend(): boolean {
    if (this.#inFlight === 0) return true
    return this.#inFlight < this.#options.limits.inFlight && this.#waiting.length >= this.#lastSize / LEAST_SHARE
  }

  #sendAll(): void {
    const { inFlight, maxItems } = this.#options.limits
    const count = this.#waiting.length
    if (this.#inFlight === 0 && inFlight > 1 && count >= WORTH_HALVING && count <= maxItems)
      return this.#sendHalves(count)
    while (this.#waiting.length > 0 && this.#maySend) void this.#sendBatch(this.#take())
    if (!this.busy) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #sendHalves(count: number): void {
    void this.#sendBatch(this.#take(Math.ceil(count / 2)))
    // A server answers together what it reads together: the second half is to come while it is at the first.
    setImmediate(() => this.#sendAll())
  }

  async #sendBatch(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    this.#inFlight += 1
    this.#lastSize = batch.length
    const answers = await this.#answersTo(batch)
    this.#inFlight -= 1
    for (const [index, { onAnswer }] of batch.entries()) onAnswer(answers[index] ?? MISSING)
    this.#sendAll()
  }

  async #answersTo(batch: readonly Waiting<Item, Answer>[]): Promise<Result<Answer>[]> {
    try {
      return await this.#options.send(batch.map(({ item }) => item))
    } catch (error) {
      const answer = { ok: false, error: asDsError(error) } as const
      return batch.map(() => answer)
    }
  }

  #take(most: number = this.#options.limits.maxItems): Waiting<Item, Answer>[] {
    const { limits, size } = this.#options
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && count < most) {
      const item = this.#waiting[count]
      if (item && size) bytes += size(item.item)
      if (count > 0 && bytes > limits.maxBytes) break
      count += 1
    }
    if (count === this.#waiting.length) {
      const all = this.#waiting
      this.#waiting = []
      return all
    }
    return this.#waiting.splice(0, count)
  }
}

const MISSING: Result<never> = {
  ok: false,
  error: new DsError('BrokerUnavailable', 'The broker gave no answer to this item'),
}

function asDsError(error: unknown): DsError {
  if (DsError.is(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new DsError('BrokerUnavailable', `The broker failed: ${message}`, { cause: error })
}
