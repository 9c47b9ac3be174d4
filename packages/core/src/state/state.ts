import { isFinal } from '../tasks/task.ts'
import type { Task, TaskError } from '../tasks/task.ts'
import type { TaskEventType } from '../events.ts'

/**
 * What can happen to a task. Everything a worker says carries the attempt it speaks for; `at` is the broker's clock.
 * `lost` is a lease that ran out, or a thread or process that died under its task.
 */
export type Change =
  | { readonly type: 'claimed'; readonly at: number }
  | { readonly type: 'progress'; readonly at: number; readonly attempt: number; readonly progress: number }
  | { readonly type: 'done'; readonly at: number; readonly attempt: number }
  | {
      readonly type: 'failed'
      readonly at: number
      readonly attempt: number
      readonly error: TaskError
      /** When to run again; absent for an error that is not to be retried. */
      readonly retryAt?: number
      /** Counts failures against this number instead of the task's own. */
      readonly maxRetries?: number
    }
  | { readonly type: 'cancelled'; readonly at: number; readonly attempt: number }
  | { readonly type: 'released'; readonly at: number; readonly attempt: number }
  | { readonly type: 'lost'; readonly at: number; readonly attempt: number }
  | { readonly type: 'cancel'; readonly at: number; readonly requeue: boolean }
  | { readonly type: 'retry'; readonly at: number }

/**
 * The answer of the state machine: `applied` with the task as it is now and the event that tells of it (progress that says
 * nothing new has none), `unchanged` where the change has no meaning in this state, `superseded` where it speaks for an attempt
 * that is no longer the current one.
 */
export type Verdict =
  | { readonly verdict: 'applied'; readonly task: Task; readonly event: TaskEventType; readonly error?: TaskError }
  | { readonly verdict: 'unchanged' }
  | { readonly verdict: 'superseded' }

const UNCHANGED: Verdict = { verdict: 'unchanged' }
const SUPERSEDED: Verdict = { verdict: 'superseded' }

/**
 * The state machine: a pure function from a task and a change to the task that follows. Brokers call it inside their
 * compare-and-set, or state the same rules in the language of their server; one table of cases tests both.
 */
export function apply(task: Task, change: Change): Verdict {
  switch (change.type) {
    case 'claimed':
      return claim(task, change.at)
    case 'cancel':
      return requestCancel(task, change.at, change.requeue)
    case 'retry':
      return isFinal(task.state) ? applied(requeued(task, { failures: 0, crashes: 0 }), 'QueuedEvent') : UNCHANGED
    default:
      return task.state === 'RUNNING' && task.attempt === change.attempt ? applyOfCurrent(task, change) : SUPERSEDED
  }
}

type ChangeOfAttempt = Extract<Change, { attempt: number }>

function applyOfCurrent(task: Task, change: ChangeOfAttempt): Verdict {
  switch (change.type) {
    case 'progress':
      return progress(task, change.progress)
    case 'done':
      return applied({ ...ended(task, 'DONE', change.at), progress: 1 }, 'ResultEvent')
    case 'cancelled':
      return cancelNow(task, change.at)
    case 'failed':
      return task.cancelRequested ? cancelNow(task, change.at) : failed(task, change)
    case 'released':
      return task.cancelRequested ? cancelNow(task, change.at) : applied(requeued(task), 'QueuedEvent')
    case 'lost':
      return task.cancelRequested ? cancelNow(task, change.at) : lost(task, change.at)
  }
}

/** Whether a queued task may start at this time. */
export function isDue(task: Task, now: number): boolean {
  return task.state === 'QUEUED' && (task.runAt === undefined || task.runAt <= now)
}

function claim(task: Task, at: number): Verdict {
  if (!isDue(task, at)) return UNCHANGED
  const { runAt: _due, ...rest } = task
  const attempt = task.attempt + 1
  return applied(
    { ...rest, state: 'RUNNING', attempt, progress: 0, startedAt: at, version: task.version + 1 },
    'StartedEvent',
  )
}

function progress(task: Task, value: number): Verdict {
  const clamped = Math.min(1, Math.max(0, value))
  if (!(clamped > task.progress)) return UNCHANGED
  return applied({ ...task, progress: clamped, version: task.version + 1 }, 'ProgressEvent')
}

function failed(task: Task, change: Extract<Change, { type: 'failed' }>): Verdict {
  const failures = task.failures + 1
  const limit = change.maxRetries ?? task.maxRetries
  const again = change.retryAt !== undefined && failures <= limit
  const next = again
    ? requeued(task, { failures, runAt: change.retryAt })
    : { ...ended(task, 'ERROR', change.at), failures }
  return applied(next, 'ErrorEvent', change.error)
}

function lost(task: Task, at: number): Verdict {
  const crashes = task.crashes + 1
  const next = crashes < task.maxCrashes ? requeued(task, { crashes }) : { ...ended(task, 'ERROR', at), crashes }
  return applied(next, 'ErrorEvent', workerLost(task, crashes))
}

function requestCancel(task: Task, at: number, requeue: boolean): Verdict {
  if (task.state === 'QUEUED') return requeue ? UNCHANGED : applied(ended(task, 'CANCELLED', at), 'CancelledEvent')
  if (task.state !== 'RUNNING') return UNCHANGED
  return applied({ ...task, cancelRequested: { requeue }, version: task.version + 1 }, 'CancelEvent')
}

function cancelNow(task: Task, at: number): Verdict {
  const next = task.cancelRequested?.requeue ? requeued(task) : ended(task, 'CANCELLED', at)
  return applied(next, 'CancelledEvent')
}

function requeued(task: Task, changes: { failures?: number; crashes?: number; runAt?: number } = {}): Task {
  const { runAt: _due, startedAt: _started, completedAt: _completed, cancelRequested: _flag, ...rest } = task
  return { ...rest, ...changes, state: 'QUEUED', progress: 0, version: task.version + 1 }
}

function ended(task: Task, state: 'DONE' | 'ERROR' | 'CANCELLED', at: number): Task {
  const { runAt: _due, cancelRequested: _flag, ...rest } = task
  return { ...rest, state, completedAt: at, version: task.version + 1 }
}

function applied(task: Task, event: TaskEventType, error?: TaskError): Verdict {
  return error ? { verdict: 'applied', task, event, error } : { verdict: 'applied', task, event }
}

/** The error that is recorded of a crash: no stack is known, the worker took it along. */
export function workerLost(task: Pick<Task, 'attempt' | 'maxCrashes'>, crashes: number): TaskError {
  const message = `The worker that ran attempt ${task.attempt} was lost (crash ${crashes} of ${task.maxCrashes})`
  return { name: 'WorkerLost', message, stacktrace: [] }
}
