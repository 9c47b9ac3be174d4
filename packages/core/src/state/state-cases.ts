import type { TaskEventType } from '../events.ts'
import type { Change } from './state.ts'
import {
  after,
  CASE_TIME,
  LATER,
  boom,
  queued,
  delayed,
  due,
  waiting,
  running,
  flagged,
  flaggedToRequeue,
  done,
  failed,
  cancelled,
} from './state-case-tasks.ts'
import type { Task, TaskError } from '../tasks/task.ts'

/** One row of the table that says what a change makes of a task. */
export interface StateCase {
  /** States what the row shows. */
  readonly name: string
  readonly task: Task
  readonly change: Change
  /** The task that follows, complete, with the event and error that tell of it; or why nothing follows. */
  readonly expected:
    { readonly task: Task; readonly event: TaskEventType; readonly error?: TaskError } | 'unchanged' | 'superseded'
}

const AT = CASE_TIME
/** Of the attempt that runs, of one before, and of one that was never started. */
const CURRENT = 3
const OLD = 2
const FUTURE = 4

const claimed: Change = { type: 'claimed', at: AT }
const retry: Change = { type: 'retry', at: AT }
const cancel: Change = { type: 'cancel', at: AT, requeue: false }
const cancelToRequeue: Change = { type: 'cancel', at: AT, requeue: true }
const failure: Change = { type: 'failed', at: AT, attempt: CURRENT, error: boom, retryAt: LATER }
const fatal: Change = { type: 'failed', at: AT, attempt: CURRENT, error: boom }

/** The changes that speak for an attempt. */
function changesOf(attempt: number): Change[] {
  return [
    { type: 'progress', at: AT, attempt, progress: 0.9 },
    { type: 'done', at: AT, attempt },
    { type: 'failed', at: AT, attempt, error: boom, retryAt: LATER },
    { type: 'failed', at: AT, attempt, error: boom },
    { type: 'cancelled', at: AT, attempt },
    { type: 'released', at: AT, attempt },
    { type: 'lost', at: AT, attempt },
  ]
}

const ended = { completedAt: AT, cancelRequested: undefined, runAt: undefined }
const requeued = { state: 'QUEUED', progress: 0, startedAt: undefined, cancelRequested: undefined } as const
const lostError: TaskError = {
  name: 'WorkerLost',
  message: 'The worker that ran attempt 3 was lost (crash 2 of 3)',
  stacktrace: [],
}
const lostForGood: TaskError = { ...lostError, message: 'The worker that ran attempt 3 was lost (crash 3 of 3)' }
const toCancelled = { task: after(flagged, { ...ended, state: 'CANCELLED' }), event: 'CancelledEvent' } as const
const toQueuedAgain = { task: after(flaggedToRequeue, requeued), event: 'CancelledEvent' } as const

const ROWS: readonly StateCase[] = [
  {
    name: 'a queued task is claimed: it runs, its attempt counted',
    task: queued,
    change: claimed,
    expected: { task: after(queued, { state: 'RUNNING', attempt: 1, startedAt: AT }), event: 'StartedEvent' },
  },
  {
    name: 'a claim keeps failures and crashes',
    task: waiting,
    change: claimed,
    expected: { task: after(waiting, { state: 'RUNNING', attempt: 3, startedAt: AT }), event: 'StartedEvent' },
  },
  {
    name: 'a delayed task is claimed once it is due',
    task: due,
    change: claimed,
    expected: { task: after(queued, { state: 'RUNNING', attempt: 1, startedAt: AT }), event: 'StartedEvent' },
  },
  { name: 'a delayed task is not claimed before', task: delayed, change: claimed, expected: 'unchanged' },
  { name: 'a running task is not claimed', task: running, change: claimed, expected: 'unchanged' },
  {
    name: 'progress goes on',
    task: running,
    change: { type: 'progress', at: AT, attempt: CURRENT, progress: 0.6 },
    expected: { task: after(running, { progress: 0.6 }), event: 'ProgressEvent' },
  },
  {
    name: 'progress over 1 is 1',
    task: running,
    change: { type: 'progress', at: AT, attempt: CURRENT, progress: 7 },
    expected: { task: after(running, { progress: 1 }), event: 'ProgressEvent' },
  },
  {
    name: 'progress of a flagged attempt goes on',
    task: flagged,
    change: { type: 'progress', at: AT, attempt: CURRENT, progress: 0.6 },
    expected: { task: after(flagged, { progress: 0.6 }), event: 'ProgressEvent' },
  },
  ...[0.5, 0.4, -1, Number.NaN].map((progress): StateCase => ({
    name: `progress ${progress} after 0.5 says nothing new`,
    task: running,
    change: { type: 'progress', at: AT, attempt: CURRENT, progress },
    expected: 'unchanged',
  })),
  {
    name: 'a result ends the task in DONE',
    task: running,
    change: { type: 'done', at: AT, attempt: CURRENT },
    expected: { task: after(running, { ...ended, state: 'DONE', progress: 1 }), event: 'ResultEvent' },
  },
  {
    name: 'an error with retries left queues the task again for later',
    task: running,
    change: failure,
    expected: { task: after(running, { ...requeued, failures: 2, runAt: LATER }), event: 'ErrorEvent', error: boom },
  },
  {
    name: 'an error with no retries left ends the task in ERROR',
    task: { ...running, failures: 2 },
    change: failure,
    expected: {
      task: after(running, { ...ended, state: 'ERROR', failures: 3 }),
      event: 'ErrorEvent',
      error: boom,
    },
  },
  {
    name: 'an error that is not to be retried ends the task in ERROR',
    task: running,
    change: fatal,
    expected: { task: after(running, { ...ended, state: 'ERROR', failures: 2 }), event: 'ErrorEvent', error: boom },
  },
  {
    name: "an error may count against another limit: above the task's own",
    task: { ...running, failures: 2 },
    change: { ...failure, maxRetries: 3 },
    expected: { task: after(running, { ...requeued, failures: 3, runAt: LATER }), event: 'ErrorEvent', error: boom },
  },
  {
    name: "an error may count against another limit: below the task's own",
    task: running,
    change: { ...failure, maxRetries: 1 },
    expected: { task: after(running, { ...ended, state: 'ERROR', failures: 2 }), event: 'ErrorEvent', error: boom },
  },
  {
    name: 'a lost lease queues the task again at once, its crash counted',
    task: running,
    change: { type: 'lost', at: AT, attempt: CURRENT },
    expected: { task: after(running, { ...requeued, crashes: 2 }), event: 'ErrorEvent', error: lostError },
  },
  {
    name: 'the last crash it may have ends the task in ERROR WorkerLost',
    task: { ...running, crashes: 2 },
    change: { type: 'lost', at: AT, attempt: CURRENT },
    expected: {
      task: after(running, { ...ended, state: 'ERROR', crashes: 3 }),
      event: 'ErrorEvent',
      error: lostForGood,
    },
  },
  {
    name: 'a released task is queued again, held against nobody',
    task: running,
    change: { type: 'released', at: AT, attempt: CURRENT },
    expected: { task: after(running, requeued), event: 'QueuedEvent' },
  },
  {
    name: 'a cancel ends a queued task',
    task: queued,
    change: cancel,
    expected: { task: after(queued, { ...ended, state: 'CANCELLED' }), event: 'CancelledEvent' },
  },
  {
    name: 'a cancel ends a delayed task',
    task: delayed,
    change: cancel,
    expected: { task: after(delayed, { ...ended, state: 'CANCELLED' }), event: 'CancelledEvent' },
  },
  { name: 'a cancel with requeue leaves a queued task', task: queued, change: cancelToRequeue, expected: 'unchanged' },
  {
    name: 'a cancel with requeue leaves a delayed task',
    task: delayed,
    change: cancelToRequeue,
    expected: 'unchanged',
  },
  {
    name: 'a cancel flags the running attempt',
    task: running,
    change: cancel,
    expected: { task: after(running, { cancelRequested: { requeue: false } }), event: 'CancelEvent' },
  },
  {
    name: 'a cancel with requeue flags the running attempt',
    task: running,
    change: cancelToRequeue,
    expected: { task: after(running, { cancelRequested: { requeue: true } }), event: 'CancelEvent' },
  },
  {
    name: 'a second cancel replaces the first',
    task: flaggedToRequeue,
    change: cancel,
    expected: { task: after(running, { cancelRequested: { requeue: false } }), event: 'CancelEvent' },
  },
  {
    name: 'a worker that cancelled without a flag ends the task all the same',
    task: running,
    change: { type: 'cancelled', at: AT, attempt: CURRENT },
    expected: { task: after(running, { ...ended, state: 'CANCELLED' }), event: 'CancelledEvent' },
  },
  {
    name: 'a result wins over a flag',
    task: flagged,
    change: { type: 'done', at: AT, attempt: CURRENT },
    expected: { task: after(flagged, { ...ended, state: 'DONE', progress: 1 }), event: 'ResultEvent' },
  },
  ...(['failed', 'cancelled', 'released', 'lost'] as const).flatMap((type): StateCase[] => {
    const change: Change = type === 'failed' ? failure : { type, at: AT, attempt: CURRENT }
    return [
      { name: `${type} while flagged ends the task in CANCELLED`, task: flagged, change, expected: toCancelled },
      {
        name: `${type} while flagged to requeue queues it again`,
        task: flaggedToRequeue,
        change,
        expected: toQueuedAgain,
      },
    ]
  }),
  ...[done, failed, cancelled].map((task): StateCase => ({
    name: `retry runs a task in ${task.state} again, its attempt kept`,
    task,
    change: retry,
    expected: {
      task: after(task, { ...requeued, failures: 0, crashes: 0, completedAt: undefined }),
      event: 'QueuedEvent',
    },
  })),
  ...[queued, delayed, running, flagged].map((task): StateCase => ({
    name: `retry leaves a task that is ${task.state}${task.runAt ? ' and delayed' : ''}${task.cancelRequested ? ' and flagged' : ''}`,
    task,
    change: retry,
    expected: 'unchanged',
  })),
  ...[done, failed, cancelled].flatMap((task) =>
    [claimed, cancel, cancelToRequeue].map((change): StateCase => ({
      name: `${change.type}${change === cancelToRequeue ? ' with requeue' : ''} leaves a task in ${task.state}`,
      task,
      change,
      expected: 'unchanged',
    })),
  ),
  ...supersededBy('an attempt before', [running, flagged], changesOf(OLD)),
  ...supersededBy('an attempt that was never started', [running], changesOf(FUTURE)),
  ...supersededBy(
    'the attempt that was closed',
    [
      { ...waiting, attempt: CURRENT },
      { ...delayed, attempt: CURRENT },
    ],
    changesOf(CURRENT),
  ),
  ...supersededBy('the attempt that ended it', [done, failed, cancelled], changesOf(CURRENT)),
]

function supersededBy(whose: string, tasks: readonly Task[], changes: readonly Change[]): StateCase[] {
  return tasks.flatMap((task) =>
    changes.map((change): StateCase => {
      const again = change.type === 'failed' && change.retryAt === undefined ? ' for good' : ''
      const how = `${task.state}${task.runAt ? ' and delayed' : ''}${task.cancelRequested ? ' and flagged' : ''}`
      return {
        name: `${change.type}${again} of ${whose} is superseded while ${how}`,
        task,
        change,
        expected: 'superseded',
      }
    }),
  )
}

/** Every row of the state machine, for `apply` and for brokers that state the same rules in the language of their server. */
export const STATE_CASES: readonly StateCase[] = ROWS
