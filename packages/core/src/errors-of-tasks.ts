import { DsError } from './errors.ts'
import type { Task, TaskError } from './task.ts'

/** A task ended in ERROR: `error` is the last attempt's. */
export class TaskFailedError extends DsError {
  readonly task: Task
  readonly error: TaskError | undefined

  constructor(task: Task, error: TaskError | undefined) {
    const what = error ? `${error.name}: ${error.message}` : 'its errors are no longer kept'
    super('TaskFailed', `Task ${task.id} (${task.name}) failed in attempt ${task.attempt}: ${what}`)
    this.task = task
    this.error = error
  }
}

/** A task was cancelled, so there is no result. */
export class TaskCancelledError extends DsError {
  readonly task: Task

  constructor(task: Task) {
    super('TaskCancelled', `Task ${task.id} (${task.name}) was cancelled`)
    this.task = task
  }
}

/** The task has not ended, so it cannot be run again or removed. */
export class TaskActiveError extends DsError {
  readonly taskId: string

  constructor(taskId: string) {
    super('TaskActive', `Task ${taskId} has not ended`, { fix: 'Wait for it, or cancel it first' })
    this.taskId = taskId
  }
}
