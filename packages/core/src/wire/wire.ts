import type { TaskEvent, TaskEventType } from '../events.ts'
import { retriesLeft } from '../tasks/task.ts'
import type { StackFrame, Task, TaskError, TaskHeaders, TaskState } from '../tasks/task.ts'

/**
 * The messages as they travel in JSON between programs: camelCase, the kind of message in `@type`, times as ISO-8601 with offset,
 * absent where there is nothing to say. The fields up to the empty line are those of the Python side; those after it are ours.
 */
export type WireMessage = TaskMessage | EventMessage | ShutdownMessage

/** A task, as it travels. */
export interface TaskMessage {
  readonly id: string
  readonly name: string
  /** Absent for null, and where they were not asked for. */
  readonly args?: unknown
  readonly state: TaskState
  readonly createdAt: string
  readonly retriesLeft: number
  readonly maxRetries: number

  readonly group?: string
  readonly parentId?: string
  readonly headers?: TaskHeaders
  readonly progress?: number
  readonly attempt?: number
  readonly failures?: number
  readonly crashes?: number
  readonly runAt?: string
  readonly startedAt?: string
  readonly completedAt?: string
  readonly cancelRequested?: { readonly requeue: boolean }
  readonly version?: number
  readonly '@type': 'Task'
}

/** An event of a task, as it travels. */
export type EventMessage =
  | (EventFields<'ProgressEvent'> & { readonly progress: number })
  | (EventFields<'ErrorEvent'> & { readonly retriesLeft: number; readonly error?: TaskErrorMessage })
  | (EventFields<'ResultEvent'> & { readonly result?: TaskResultMessage })
  | (EventFields<'CancelEvent' | 'CancelledEvent'> & { readonly requeue: boolean })
  | EventFields<'QueuedEvent' | 'StartedEvent' | 'ResyncEvent'>

/** What every event message says. */
export interface EventFields<Type extends TaskEventType> {
  readonly taskId: string
  readonly createdAt: string

  readonly name?: string
  readonly group?: string
  readonly parentId?: string
  readonly state?: TaskState
  readonly progress?: number
  readonly attempt?: number
  readonly retriesLeft?: number
  readonly version?: number
  readonly runAt?: string
  readonly '@type': Type
}

/** The message by which a manager ends workers. */
export interface ShutdownMessage {
  readonly createdAt: string
  readonly '@type': 'ShutdownEvent'
}

/** An error of a task, as it travels. */
export interface TaskErrorMessage {
  readonly name: string
  readonly message: string
  readonly cause?: string
  readonly stacktrace: readonly StackFrame[]
  readonly '@type': 'TaskError'
}

/** A result, as it travels. */
export interface TaskResultMessage {
  /** Absent for null. */
  readonly value?: unknown
  readonly '@type': 'TaskResult'
}

/** The message that says how a task is, with its args where they are given. */
export function taskMessage(task: Task, args?: unknown): TaskMessage {
  return {
    id: task.id,
    name: task.name,
    ...ifAny('args', args),
    state: task.state,
    createdAt: isoTime(task.createdAt),
    retriesLeft: retriesLeft(task),
    maxRetries: task.maxRetries,
    group: task.group,
    ...ifAny('parentId', task.parentId),
    ...ifAny('headers', task.headers),
    progress: task.progress,
    attempt: task.attempt,
    failures: task.failures,
    crashes: task.crashes,
    ...ifAny('runAt', isoTimeOf(task.runAt)),
    ...ifAny('startedAt', isoTimeOf(task.startedAt)),
    ...ifAny('completedAt', isoTimeOf(task.completedAt)),
    ...ifAny('cancelRequested', task.cancelRequested),
    version: task.version,
    '@type': 'Task',
  }
}

/** The message that tells of an event; a `ResultEvent` carries the result where it is given. */
export function eventMessage(event: TaskEvent, result?: { readonly value: unknown }): EventMessage {
  const { type, taskId, createdAt, name, group, parentId, state, progress, attempt, version, runAt } = event
  return {
    taskId,
    createdAt: isoTime(createdAt),
    ...(type === 'ProgressEvent' && { progress }),
    ...(type === 'ErrorEvent' && { retriesLeft: event.retriesLeft }),
    ...ifAny('error', event.error && taskErrorMessage(event.error)),
    ...(type === 'ResultEvent' && result && { result: taskResultMessage(result.value) }),
    ...((type === 'CancelEvent' || type === 'CancelledEvent') && { requeue: event.requeue ?? false }),
    name,
    group,
    ...ifAny('parentId', parentId),
    state,
    ...(type !== 'ProgressEvent' && { progress }),
    attempt,
    ...(type !== 'ErrorEvent' && { retriesLeft: event.retriesLeft }),
    version,
    ...ifAny('runAt', isoTimeOf(runAt)),
    '@type': type,
  } as EventMessage
}

/** The message by which a manager ends workers. `at` is when, in milliseconds since 1970. */
export function shutdownMessage(at: number): ShutdownMessage {
  return { createdAt: isoTime(at), '@type': 'ShutdownEvent' }
}

/** An error as it travels. */
export function taskErrorMessage({ name, message, cause, stacktrace }: TaskError): TaskErrorMessage {
  return { name, message, ...ifAny('cause', cause), stacktrace, '@type': 'TaskError' }
}

/** A result as it travels. */
export function taskResultMessage(value: unknown): TaskResultMessage {
  return { ...ifAny('value', value), '@type': 'TaskResult' }
}

/** A task as JSON text: {@link taskMessage}, written. */
export function encodeTask(task: Task, args?: unknown): string {
  return JSON.stringify(taskMessage(task, args))
}

/** An event as JSON text: {@link eventMessage}, written. */
export function encodeEvent(event: TaskEvent, result?: { readonly value: unknown }): string {
  return JSON.stringify(eventMessage(event, result))
}

/** The fields that the Python side knows; it refuses messages with others. */
const PYTHON_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Task: ['id', 'name', 'args', 'state', 'createdAt', 'retriesLeft', 'maxRetries', '@type'],
  ProgressEvent: ['taskId', 'createdAt', 'progress', '@type'],
  ErrorEvent: ['taskId', 'createdAt', 'retriesLeft', 'error', '@type'],
  ResultEvent: ['taskId', 'createdAt', 'result', '@type'],
  CancelEvent: ['taskId', 'createdAt', 'requeue', '@type'],
  CancelledEvent: ['taskId', 'createdAt', 'requeue', '@type'],
  ShutdownEvent: ['createdAt', '@type'],
}

/** A message without our own fields, for a reader that refuses what it does not know; undefined for a message that is all our own. */
export function forPython<Message extends WireMessage>(message: Message): Partial<Message> | undefined {
  const fields = PYTHON_FIELDS[message['@type']]
  if (!fields) return undefined
  return Object.fromEntries(Object.entries(message).filter(([key]) => fields.includes(key))) as Partial<Message>
}

function isoTime(time: number): string {
  return new Date(time).toISOString()
}

function isoTimeOf(time: number | undefined): string | undefined {
  return time === undefined ? undefined : isoTime(time)
}

function ifAny<const Key extends string, Value>(
  key: Key,
  value: Value,
): { readonly [Name in Key]?: NonNullable<Value> } {
  return (value === undefined || value === null ? {} : { [key]: value }) as { [Name in Key]?: NonNullable<Value> }
}
