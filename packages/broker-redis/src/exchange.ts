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

/**
 * Sends what a consumer settles and what it claims in one tick as one script, so that a busy worker makes one round trip for its
 * outcomes and its next tasks.
 */
export class Exchange {
  readonly #run: RunScript
  #settling: Call<string>[] = []
  #taking: Call<readonly ClaimedTask[]> | undefined
  #scheduled = false

  constructor(run: RunScript) {
    this.#run = run
  }

  /** Answers a digit each, 1 applied, 0 superseded. */
  settle(items: readonly Settlement[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settling.push({ args: items.flatMap(settlementArguments), resolve, reject })
      this.#schedule()
    })
  }

  /** One at a time. Its arguments are those of `lua/exchange.ts`. */
  take(args: Arguments): Promise<readonly ClaimedTask[]> {
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
      const answer = (await this.#run(EXCHANGE, args)) as string[]
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
