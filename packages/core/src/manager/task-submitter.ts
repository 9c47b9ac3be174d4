import { Batcher } from '../batcher.ts'
import type { Broker, NewTask, Result, SubmitAnswer } from '../broker/broker.ts'
import { BrokerClosedError, BrokerUnavailableError } from '../errors.ts'
import type { DsError } from '../errors.ts'
import { Patience } from '../patience.ts'
import { isOutage } from '../through-outage.ts'

/** A task on its way to the broker, and until when it is worth sending again (by `performance.now()`). */
interface Submission {
  readonly task: NewTask
  readonly deadline: number
}

type Answer = Result<SubmitAnswer>

/**
 * Sends new tasks to the broker in batches. Over an outage each is sent again for a bounded time, under the same incarnation, so that
 * one which had arrived after all is created once.
 */
export class TaskSubmitter {
  readonly #broker: Broker
  readonly #patience: number
  readonly #closing = new AbortController()
  #batcher: Batcher<Submission, SubmitAnswer> | undefined

  /** `patience`: how long a task is sent again, in milliseconds. */
  constructor(broker: Broker, patience: number) {
    this.#broker = broker
    this.#patience = patience
  }

  /** Sends a task; `onAnswer` is called once. */
  add(task: NewTask, onAnswer: (answer: Answer) => void): void {
    this.#batches().add({ task, deadline: performance.now() + this.#patience }, onAnswer)
  }

  /** Sends again no more; resolves when all that was added has its answer. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#batcher?.idle()
  }

  #batches(): Batcher<Submission, SubmitAnswer> {
    this.#batcher ??= new Batcher({
      send: (submissions) => this.#send(submissions),
      limits: this.#broker.capabilities.batch,
      size: ({ task }) => task.args.length,
    })
    return this.#batcher
  }

  async #send(submissions: readonly Submission[]): Promise<Answer[]> {
    const answers = await this.#trySubmit(submissions)
    return answers.some(isUnanswered) ? this.#sendAgain(submissions, answers) : answers
  }

  /** Sends what has no answer again, each until its own deadline. */
  async #sendAgain(submissions: readonly Submission[], first: readonly Answer[]): Promise<Answer[]> {
    const answers = [...first]
    const patience = new Patience()
    for (;;) {
      await patience.wait(this.#closing.signal, nextDeadline(submissions, answers) - performance.now())
      const again = this.#worthSending(submissions, answers)
      if (again.length === 0) return answers
      const results = await this.#trySubmit(again.map(({ submission }) => submission))
      for (const [position, { index }] of again.entries()) answers[index] = results[position] ?? NO_ANSWER
    }
  }

  #worthSending(submissions: readonly Submission[], answers: Answer[]): { submission: Submission; index: number }[] {
    const now = performance.now()
    const again: { submission: Submission; index: number }[] = []
    for (const [index, submission] of submissions.entries()) {
      const answer = answers[index]
      if (answer && !isUnanswered(answer)) continue
      if (this.#closing.signal.aborted)
        answers[index] = { ok: false, error: new BrokerClosedError('The manager was closed') }
      else if (submission.deadline > now) again.push({ submission, index })
      else answers[index] = { ok: false, error: gaveUp(submission.task, answer) }
    }
    return again
  }

  async #trySubmit(submissions: readonly Submission[]): Promise<Answer[]> {
    try {
      return await this.#broker.submit(submissions.map(({ task }) => task))
    } catch (error) {
      if (!isOutage(error)) throw error
      return submissions.map(() => ({ ok: false, error: error as DsError }))
    }
  }
}

/** When the first of those without an answer is no longer worth sending: it must hear so then, and not after a longer wait. */
function nextDeadline(submissions: readonly Submission[], answers: readonly Answer[]): number {
  let next = Number.POSITIVE_INFINITY
  for (const [index, { deadline }] of submissions.entries()) {
    const answer = answers[index]
    if ((!answer || isUnanswered(answer)) && deadline < next) next = deadline
  }
  return next
}

const NO_ANSWER: Answer = { ok: false, error: new BrokerUnavailableError('The broker gave no answer to this task') }

function isUnanswered(answer: Answer): boolean {
  return !answer.ok && isOutage(answer.error)
}

function gaveUp(task: NewTask, answer: Answer | undefined): BrokerUnavailableError {
  const cause = answer?.ok === false ? answer.error : undefined
  const why = cause ? `: ${cause.message}` : ''
  return new BrokerUnavailableError(`The task ${task.id} (${task.name}) was not accepted in time${why}`, {
    fix: 'It may have arrived all the same: create it again under the same id, or wait for the broker',
    ...(cause && { cause }),
  })
}
