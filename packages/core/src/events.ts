import { retriesLeft } from './tasks/task.ts'
import type { Task, TaskError, TaskState } from './tasks/task.ts'

/**
 * What happened to a task, by the name it has on the wire. `CancelEvent` says that a cancel was requested of a running task;
 * `ResyncEvent` that events may have been missed, and carries the task as it is now.
 */
export type TaskEventType =
  | 'QueuedEvent'
  | 'StartedEvent'
  | 'ProgressEvent'
  | 'ErrorEvent'
  | 'ResultEvent'
  | 'CancelEvent'
  | 'CancelledEvent'
  | 'ResyncEvent'

/**
 * Something that happened to a task, with the state it left the task in. Of one task, events come in order and `version` only
 * grows; between them some may have been merged into a later one for a slow or late reader. The final one always comes.
 */
export interface TaskEvent {
  readonly type: TaskEventType
  readonly taskId: string
  readonly name: string
  readonly group: string
  readonly parentId?: string
  readonly state: TaskState
  /** 0 to 1. */
  readonly progress: number
  readonly attempt: number
  readonly retriesLeft: number
  /** The version of the task this event tells of. */
  readonly version: number
  /** When it happened: milliseconds since 1970, by the broker's clock. */
  readonly createdAt: number
  /** Of an `ErrorEvent`: what went wrong. */
  readonly error?: TaskError
  /** Of a `CancelEvent` or `CancelledEvent`: whether the task goes back to its queue. */
  readonly requeue?: boolean
  /** Not before this time, of a task that waits for a delay or a retry. */
  readonly runAt?: number
}

/** What a broker's subscription yields: an event, or the news that some may be missing, so that what is followed must be read again. */
export type SubscriptionItem = TaskEvent | typeof RESYNC

/** Yielded by a subscription after a break, or when a reader fell too far behind. */
export const RESYNC: { readonly type: 'resync' } = Object.freeze({ type: 'resync' })

/** Which events a subscription wants. Fields that are absent do not restrict. */
export interface EventFilter {
  readonly taskId?: string
  readonly name?: string
  readonly group?: string
  readonly parentId?: string
}

/** Whether an event passes a filter. */
export function matchesFilter(event: TaskEvent, filter: EventFilter): boolean {
  return (
    (filter.taskId === undefined || event.taskId === filter.taskId) &&
    (filter.name === undefined || event.name === filter.name) &&
    (filter.group === undefined || event.group === filter.group) &&
    (filter.parentId === undefined || event.parentId === filter.parentId)
  )
}

/** What an event says besides what its task does. `at` is when it happened. */
export interface EventDetails {
  readonly at: number
  readonly error?: TaskError
  readonly requeue?: boolean
}

/** The event that tells of a task's newest change. */
export function eventOf(type: TaskEventType, task: Task, { at, ...details }: EventDetails): TaskEvent {
  return {
    type,
    taskId: task.id,
    name: task.name,
    group: task.group,
    ...(task.parentId === undefined ? undefined : { parentId: task.parentId }),
    state: task.state,
    progress: task.progress,
    attempt: task.attempt,
    retriesLeft: retriesLeft(task),
    version: task.version,
    createdAt: at,
    ...(task.runAt === undefined ? undefined : { runAt: task.runAt }),
    ...details,
  }
}
