import type { Settlement } from '@ds/core'
import { decodeToken } from './codec.ts'
import { EXCHANGE } from './lua/index.ts'
import type { Script } from './lua/index.ts'

type Arguments = readonly (string | number)[]

interface Call<Answer> {
  readonly args: Arguments
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

type ExchangeAnswer = readonly [answers: number[], claimed: string[], failure?: string]

/**
 * Sends what a consumer settles and what it claims in one tick as one script, so that a busy worker makes one round trip for its
 * outcomes and its next tasks.
 */
export class Exchange {
  readonly #run: (script: Script, args: Arguments) => Promise<unknown>
  #settling: Call<number[]>[] = []
  #taking: Call<string[]> | undefined
  #scheduled = false

  constructor(run: (script: Script, args: Arguments) => Promise<unknown>) {
    this.#run = run
  }

  /** Answers of each 1 applied, 0 superseded. */
  settle(items: readonly Settlement[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#settling.push({ args: items.flatMap(settlementArguments), resolve, reject })
      this.#schedule()
    })
  }

  /** One at a time. Its arguments and its answer are those of `lua/exchange.ts`. */
  take(args: Arguments): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#taking = { args, resolve, reject }
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(() => void this.#send())
  }

  async #send(): Promise<void> {
    const settling = this.#settling
    const taking = this.#taking
    this.#settling = []
    this.#taking = undefined
    this.#scheduled = false
    const settlements = settling.flatMap(({ args }) => args)
    try {
      const args = [settlements.length / SETTLEMENT, ...settlements, ...(taking?.args ?? [])]
      const [answers, claimed, failure] = (await this.#run(EXCHANGE, args)) as ExchangeAnswer
      let from = 0
      for (const { args: own, resolve } of settling) resolve(answers.slice(from, (from += own.length / SETTLEMENT)))
      if (failure !== undefined && claimed.length === 0) taking?.reject(asReply(failure))
      else taking?.resolve(claimed)
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
