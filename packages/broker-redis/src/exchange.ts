import type { Settlement } from '@ds/core'
import { decodeToken } from './codec.ts'
import { claimedTasks } from './deliveries.ts'
import type { ClaimedTask } from './deliveries.ts'
import { EXCHANGE } from './lua/index.ts'
import type { RunScript } from './connection.ts'

type Arguments = readonly (string | number)[]

interface Call<Answer> {
  readonly args: Arguments
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** What one script carries. */
interface Part {
  readonly settling: readonly Call<string>[]
  readonly taking: Call<readonly ClaimedTask[]> | undefined
}

/** So many are worth two scripts: the server is at the first long enough for the second to come by itself. */
export const WORTH_HALVING = 32

/**
 * Sends what a consumer settles and what it claims in one tick as one script, so that a busy worker makes one round trip for its
 * outcomes and its next tasks. Where it claims in two halves, it is two scripts: the worker then runs the tasks of the first while the
 * server is at the second, and the two go on side by side.
 */
export class Exchange {
  readonly #run: RunScript
  #settling: Call<string>[] = []
  #taking: Call<readonly ClaimedTask[]>[] = []
  #scheduled = false
  #onSent: (() => void)[] = []

  constructor(run: RunScript) {
    this.#run = run
  }

  /** A claim is about to be sent. */
  get isTaking(): boolean {
    return this.#taking.length > 0
  }

  /** Answers a digit each, 1 applied, 0 superseded. */
  async settle(items: readonly Settlement[]): Promise<string> {
    const half = items.length < WORTH_HALVING ? items.length : Math.ceil(items.length / 2)
    const parts = half === items.length ? [items] : [items.slice(0, half), items.slice(half)]
    const answers = await Promise.all(parts.map((part) => this.#settle(part)))
    return answers.join('')
  }

  /** One or two in a tick: see {@link isTaking}. Its arguments are those of `lua/exchange.ts`. */
  take(args: Arguments): Promise<readonly ClaimedTask[]> {
    return new Promise((resolve, reject) => {
      this.#taking.push({ args, resolve, reject })
      this.#schedule()
    })
  }

  /** Resolves when what was handed over in this tick has been sent. */
  sent(): Promise<void> {
    return this.#scheduled ? new Promise((resolve) => this.#onSent.push(resolve)) : Promise.resolve()
  }

  #settle(items: readonly Settlement[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settling.push({ args: items.flatMap(settlementArguments), resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // The batcher of outcomes sends at the end of a tick as well: behind it, whichever of the two was first.
    process.nextTick(() => queueMicrotask(() => process.nextTick(() => this.#sendAll())))
  }

  #sendAll(): void {
    const settling = this.#settling.splice(0)
    const [taking, second] = this.#taking.splice(0)
    this.#scheduled = false
    const half = second ? Math.ceil(settling.length / 2) : settling.length
    void this.#send({ settling: settling.slice(0, half), taking })
    // The server answers together what it reads together: this one is to come while it is at the first.
    if (second) setImmediate(() => void this.#send({ settling: settling.slice(half), taking: second }))
    for (const resolve of this.#onSent.splice(0)) resolve()
  }

  async #send({ settling, taking }: Part): Promise<void> {
    const settlements = settling.flatMap(({ args }) => args)
    try {
      const args = [settlements.length / SETTLEMENT, ...settlements, ...(taking?.args ?? [])]
      const answer = (await this.#run(EXCHANGE, args, { atOnce: true })) as string[]
      const [line = ''] = answer
      const tasks = claimedTasks(answer)
      const answered = settlements.length / SETTLEMENT
      let from = 0
      for (const { args: own, resolve } of settling) resolve(line.slice(from, (from += own.length / SETTLEMENT)))
      if (line.length > answered && tasks.length === 0) taking?.reject(asReply(line.slice(answered + 1)))
      else taking?.resolve(tasks)
    } catch (error) {
      for (const { reject } of settling) reject(error)
      taking?.reject(error)
    }
  }
}

/** Arguments of one settlement. */
const SETTLEMENT = 7

/** As `lua/exchange.ts` takes it. */
function settlementArguments({ lease, outcome }: Settlement): (string | number)[] {
  const { head, queue } = decodeToken(lease.token)
  const end = [lease.id, head, queue, outcome.type]
  switch (outcome.type) {
    case 'done':
      return [...end, outcome.result, '', '']
    case 'retry':
      return [...end, JSON.stringify(outcome.error), outcome.delay, outcome.maxRetries ?? '']
    case 'error':
      return [...end, JSON.stringify(outcome.error), '', '']
    case 'cancelled':
    case 'released':
    case 'lost':
      return [...end, '', '', '']
  }
}

/** What went wrong in the second half of a script, as the server says it of a whole one. */
function asReply(message: string): Error {
  const error = new Error(message)
  error.name = 'ReplyError'
  return error
}
