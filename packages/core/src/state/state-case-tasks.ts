import type { Task, TaskError } from '../tasks/task.ts'

/** When the changes of all cases happen. */
export const CASE_TIME = 1_000_000

const BEFORE = 900_000
export const LATER = 1_100_000
export const boom: TaskError = { name: 'Error', message: 'boom', stacktrace: [] }

export const queued: Task = {
  schema: 1,
  id: 'task',
  name: 'name',
  group: 'default',
  queue: 'default',
  state: 'QUEUED',
  progress: 0,
  attempt: 0,
  failures: 0,
  crashes: 0,
  maxRetries: 2,
  maxCrashes: 3,
  createdAt: 800_000,
  version: 5,
  incarnation: 'life',
}
export const delayed: Task = { ...queued, runAt: LATER }
export const due: Task = { ...queued, runAt: CASE_TIME }
/** Failed once and crashed once, and waits for its third start. */
export const waiting: Task = { ...queued, attempt: 2, failures: 1, crashes: 1 }
export const running: Task = {
  ...queued,
  state: 'RUNNING',
  attempt: 3,
  failures: 1,
  crashes: 1,
  progress: 0.5,
  startedAt: BEFORE,
}
export const flagged: Task = { ...running, cancelRequested: { requeue: false } }
export const flaggedToRequeue: Task = { ...running, cancelRequested: { requeue: true } }
export const done: Task = { ...running, state: 'DONE', progress: 1, completedAt: BEFORE }
export const failed: Task = { ...running, state: 'ERROR', completedAt: BEFORE, failures: 3 }
export const cancelled: Task = { ...running, state: 'CANCELLED', completedAt: BEFORE }

/** The task as it follows from another: one version on, `undefined` for what is no longer there. */
export function after(task: Task, changes: { [Key in keyof Task]?: Task[Key] | undefined }): Task {
  const next = { ...task, version: task.version + 1, ...changes }
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)) as unknown as Task
}
