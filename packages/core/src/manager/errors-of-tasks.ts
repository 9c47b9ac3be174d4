import type { Result } from '../broker/broker.ts'
import { DsError } from '../errors.ts'
import type { Task, TaskError } from '../tasks/task.ts'
import type { TaskHandle } from './task-manager.ts'

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

/** Some of the tasks that were to be created at once were refused; the others were created. */
export class CreateFailedError extends DsError {
  /** A handle or an error for each task, in the order in which they were asked for. */
  readonly answers: readonly Result<TaskHandle>[]

  constructor(answers: readonly Result<TaskHandle>[]) {
    const refused = answers.flatMap((answer, index) => (answer.ok ? [] : [{ index, error: answer.error }]))
    const [first] = refused
    const example = first ? `; number ${first.index}: ${first.error.message}` : ''
    super('CreateFailed', `${refused.length} of ${answers.length} tasks were not created${example}`, {
      fix: 'error.answers holds a handle or an error for each',
      cause: first?.error,
    })
    this.answers = answers
  }
}
