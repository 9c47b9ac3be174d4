import type { Logger, Middleware, Outcome } from '@ds/core'
import type { EndedRun, ObservedRun, WorkerObserver } from '../observer.ts'

/** Where {@link logging} writes to. */
export interface LoggingOptions {
  /** Default: the worker's. */
  readonly logger?: Logger
}

/**
 * Writes a line when a task starts and one when its run ends, with the outcome and the time it took. Args and results are never written.
 * @example
 * app.use(logging())
 */
export function logging(options: LoggingOptions = {}): Middleware & WorkerObserver {
  return {
    name: 'logging',
    taskStarted: (run) => logStarted(options.logger ?? run.worker.logger, run),
    taskEnded: (run) => logEnded(options.logger ?? run.worker.logger, run),
  }
}

/** What a worker writes where no logging was asked for: what went wrong. */
export function failureLogger(): WorkerObserver {
  return {
    taskEnded: (run) => {
      if (run.outcome.type === 'retry' || run.outcome.type === 'error') logEnded(run.worker.logger, run)
    },
  }
}

function logStarted(logger: Logger, { task }: ObservedRun): void {
  logger.info(`${task.name} started`, { task: task.id, attempt: task.attempt })
}

function logEnded(logger: Logger, { task, outcome, duration }: EndedRun): void {
  const fields = { task: task.id, attempt: task.attempt, duration: Math.round(duration) }
  switch (outcome.type) {
    case 'done':
    case 'cancelled':
    case 'released':
      return logger.info(`${task.name} ${outcome.type}`, fields)
    case 'retry':
      return logger.warn(`${task.name} failed: ${errorText(outcome)}`, {
        ...fields,
        retryIn: Math.round(outcome.delay),
      })
    case 'error':
      return logger.error(`${task.name} failed: ${errorText(outcome)}`, { ...fields, ...placeOf(outcome) })
    case 'lost':
      return logger.error(`${task.name} lost its thread or process`, fields)
  }
}

function errorText({ error }: Extract<Outcome, { type: 'retry' | 'error' }>): string {
  return `${error.name}: ${error.message}`
}

/** Where it was thrown. */
function placeOf({ error }: Extract<Outcome, { type: 'error' }>): { at?: string } {
  const [frame] = error.stacktrace
  return frame ? { at: `${frame.file}:${frame.lineno}` } : {}
}
