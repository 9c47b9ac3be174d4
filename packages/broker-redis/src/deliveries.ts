import type { AttemptError, Delivery, TaskError } from '@ds/core'
import { decodeTask, encodeToken, entryOf, headOf, UndecodableError } from './codec.ts'

/** A delivery that was handed out and is not settled yet. */
export interface Held {
  readonly attempt: number
  readonly incarnation: string
  /** Its entry in the stream. */
  readonly entry: string
  readonly suspect: boolean
  renewedAt: number
  /** When the worker got it, by `performance.now()`. NaN until then. */
  handedAt: number
}

/** What a claiming script answers of one task: see `lua/exchange.ts`. */
export interface ClaimedTask {
  readonly id: string
  readonly record: string
  readonly kind: string
  readonly args: string
  readonly headers: string
  readonly lastError: string
}

export interface Claimed {
  readonly delivery: Delivery
  readonly held: Held
}

/** Parts the answer of a claiming script, behind its first value, into its tasks: see `lua/claiming.ts`. */
export function claimedTasks(answer: readonly string[]): ClaimedTask[] {
  const tasks: ClaimedTask[] = []
  let lastKind = ''
  for (let at = 1; at + 5 < answer.length; at += 6) {
    const [id = '', record = '', kind = '', args = '', headers = '', lastError = ''] = answer.slice(at, at + 6)
    if (kind !== '') lastKind = kind
    tasks.push({ id, record, kind: lastKind, args, headers, lastError })
  }
  return tasks
}

/** @throws UndecodableError */
export function claimedOf(claimed: ClaimedTask, expiresIn: number): Claimed {
  const { id, record, kind, args, headers, lastError } = claimed
  const task = decodeTask({ id, record, kind, headers })
  const { attempt, incarnation } = task
  const lease = { id, attempt, token: encodeToken(record, task.queue), expiresIn }
  const previousError = lastError === '' ? undefined : errorOf(lastError, attempt - 1)
  const held = {
    attempt,
    incarnation,
    entry: entryOf(headOf(record)),
    suspect: task.crashes > 0,
    renewedAt: Date.now(),
    handedAt: NaN,
  }
  return { delivery: previousError ? { task, args, lease, previousError } : { task, args, lease }, held }
}

/** The last error that is kept may be of an earlier attempt than the one before. */
function errorOf(text: string, attempt: number): TaskError | undefined {
  try {
    const error = JSON.parse(text) as AttemptError
    return error.attempt === attempt ? error.error : undefined
  } catch {
    throw new UndecodableError('its last error cannot be decoded')
  }
}
