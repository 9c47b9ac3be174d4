import { DsError, encodePayload, retriesLeft, retryDelay, toTaskError } from '@ds/core'
import type { AnyTaskDefinition, Outcome, Task, TaskAbortedError } from '@ds/core'

/** An attempt took longer than its definition allows. */
export class TaskTimeoutError extends DsError {
  constructor(taskName: string, timeout: number) {
    super('TaskTimeout', `${taskName} did not end within its timeout of ${timeout} ms`, {
      fix: 'Raise `timeout` in the task definition, or make the task smaller',
    })
    // Where in the worker it was noticed tells nobody anything.
    this.stack = `${this.name}: ${this.message}`
  }
}

/** An attempt that has ended, or is being ended: what its outcome depends on besides the result or error. */
export interface EndedAttempt {
  readonly definition: AnyTaskDefinition
  readonly task: Task
  /** Why its signal fired, if it did. */
  readonly aborted: TaskAbortedError | undefined
}

/**
 * The outcome of a handler that returned. A result wins over a cancel and a shutdown; not over a timeout.
 * @throws NotSerializableError, PayloadTooLargeError: the outcome is then that of this error.
 */
export function outcomeOfResult(attempt: EndedAttempt, result: unknown, maxPayload: number): Outcome {
  if (attempt.aborted?.kind === 'timeout') return outcomeOfAbort(attempt, attempt.aborted)
  return { type: 'done', result: encodePayload(`The result of ${attempt.definition.name}`, result, maxPayload) }
}

/** The outcome of a handler that threw. Once its signal has fired, any error is its way of ending. */
export function outcomeOfError(attempt: EndedAttempt, error: unknown): Outcome {
  return attempt.aborted ? outcomeOfAbort(attempt, attempt.aborted) : outcomeByPolicy(attempt, error)
}

/** The outcome of a handler that ended, or was ended, because its signal fired. */
export function outcomeOfAbort(attempt: EndedAttempt, aborted: TaskAbortedError): Outcome {
  switch (aborted.kind) {
    case 'cancelled':
      return { type: 'cancelled' }
    case 'timeout':
      return outcomeByPolicy(
        attempt,
        new TaskTimeoutError(attempt.definition.name, attempt.definition.options.timeout ?? 0),
      )
    case 'shutdown':
    case 'lease-lost':
      return { type: 'released' }
  }
}

function outcomeByPolicy({ definition, task }: EndedAttempt, error: unknown): Outcome {
  const taskError = toTaskError(error)
  try {
    const delay = retryDelay(definition.options.retry, error, task.failures + 1)
    // Said here and not left to the broker, so that logs and counts tell a last failure from one that is retried.
    return delay === undefined || retriesLeft(task) === 0
      ? { type: 'error', error: taskError }
      : { type: 'retry', error: taskError, delay }
  } catch (policyError) {
    const why = toTaskError(policyError)
    const cause = `its retry policy failed as well: ${why.name}: ${why.message}`
    return { type: 'error', error: { ...taskError, cause: taskError.cause ? `${taskError.cause}; ${cause}` : cause } }
  }
}
