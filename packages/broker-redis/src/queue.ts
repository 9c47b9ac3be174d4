import { QueueFullError } from '@ds/core'
import type { CancelAnswer, NewTask, Result, RetryAnswer, SubmitAnswer } from '@ds/core'
import { encodeKind, encodeWord } from './codec.ts'
import type { Connection } from './connection.ts'
import { CANCEL, RETRY, SUBMIT } from './lua/index.ts'

const CREATED: Result<SubmitAnswer> = { ok: true, value: 'created' }
const EXISTS: Result<SubmitAnswer> = { ok: true, value: 'exists' }

/**
 * Tasks that one script accepts. The server works on one piece of a batch while the next is written down, and others get their turn between
 * two.
 */
const PIECE = 125

/** The queue as managers see it. */
export class RedisQueue {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const pieces: Promise<unknown>[] = []
    for (let at = 0; at < tasks.length; at += PIECE) {
      const args = submitArguments(tasks.slice(at, at + PIECE))
      pieces.push(this.#connection.run(SUBMIT, args, { durable: true, atOnce: true }))
    }
    const answers = (await Promise.all(pieces)).join('')
    return tasks.map((task, index) => submitAnswer(task, answers[index]))
  }

  async cancel(id: string, { requeue }: { requeue: boolean }): Promise<CancelAnswer> {
    return (await this.#connection.run(CANCEL, [id, requeue ? 1 : 0], { durable: true })) as CancelAnswer
  }

  async retry(id: string, { nonce }: { nonce: string }): Promise<RetryAnswer> {
    return (await this.#connection.run(RETRY, [id, nonce], { durable: true })) as RetryAnswer
  }
}

function submitAnswer(task: NewTask, answer: string | undefined): Result<SubmitAnswer> {
  if (answer === '1') return CREATED
  return answer === '2' ? { ok: false, error: new QueueFullError(task.queue, task.maxQueued ?? 0) } : EXISTS
}

/** What tasks of one kind have in common travels once: see `lua/submit.ts`. */
function submitArguments(tasks: readonly NewTask[]): (string | number)[] {
  const numbers = new Map<string, number>()
  const templates: string[] = []
  const rest: (string | number)[] = []
  for (const task of tasks) {
    const template = templateOf(task)
    const key = template.join('\n')
    let number = numbers.get(key)
    if (number === undefined) {
      number = numbers.size
      numbers.set(key, number)
      templates.push(...template)
    }
    rest.push(number, task.id, encodeWord(task.incarnation), task.args)
  }
  return [numbers.size, ...templates, ...rest]
}

function templateOf(task: NewTask): string[] {
  const limit = task.maxQueued === undefined ? '' : String(task.maxQueued)
  const headers = task.headers === undefined ? '' : JSON.stringify(task.headers)
  return [encodeKind(task), task.name, task.group, task.parentId ?? '', task.queue, limit, dueOf(task), headers]
}

function dueOf({ delay, runAt }: NewTask): string {
  return delay === undefined && runAt === undefined ? '' : `${delay ?? 0} ${runAt ?? 0}`
}
