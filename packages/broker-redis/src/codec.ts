import { eventOf } from '@ds/core'
import type { NewTask, StoredState, Task, TaskError, TaskEvent, TaskEventType, TaskHeaders } from '@ds/core'

/** What never changes of a task and is common to many: stored with each, so that equal texts are decoded once. */
export interface TaskKind {
  readonly name: string
  readonly group: string
  readonly queue: string
  readonly parentId?: string
  readonly maxRetries: number
  readonly maxCrashes: number
}

/** Bytes of the server that are no task, or one of a version to come. */
export class UndecodableError extends Error {}

const STATES: Readonly<Record<string, StoredState>> = {
  Q: 'QUEUED',
  R: 'RUNNING',
  D: 'DONE',
  E: 'ERROR',
  C: 'CANCELLED',
}

/** The first digit of a score in the index; the rest is `createdAt`. */
export const STATE_CODES: Readonly<Record<StoredState, string>> = {
  QUEUED: '1',
  RUNNING: '2',
  DONE: '3',
  ERROR: '4',
  CANCELLED: '5',
}

const EVENTS: Readonly<Record<string, TaskEventType>> = {
  Q: 'QueuedEvent',
  S: 'StartedEvent',
  P: 'ProgressEvent',
  E: 'ErrorEvent',
  D: 'ResultEvent',
  C: 'CancelEvent',
  X: 'CancelledEvent',
}

/** What is common to tasks of one kind, as text. Its keys are always in this order, so that equal kinds are equal texts. */
export function encodeKind({ name, group, queue, parentId, maxRetries, maxCrashes }: NewTask): string {
  return JSON.stringify({ name, group, queue, parentId, maxRetries, maxCrashes })
}

const KINDS_REMEMBERED = 1000
const kinds = new Map<string, TaskKind>()

/** @throws UndecodableError */
export function decodeKind(text: string): TaskKind {
  const known = kinds.get(text)
  if (known) return known
  const kind = parseKind(text)
  if (kinds.size >= KINDS_REMEMBERED) kinds.clear()
  kinds.set(text, kind)
  return kind
}

function parseKind(text: string): TaskKind {
  try {
    const { name, group, queue, parentId, maxRetries, maxCrashes } = JSON.parse(text) as Partial<TaskKind>
    const complete =
      typeof name === 'string' &&
      typeof group === 'string' &&
      typeof queue === 'string' &&
      typeof maxRetries === 'number' &&
      typeof maxCrashes === 'number'
    if (complete) return { name, group, queue, ...(parentId !== undefined && { parentId }), maxRetries, maxCrashes }
  } catch {
    // Said below.
  }
  throw new UndecodableError('what never changes of the task cannot be decoded')
}

/** Incarnations and nonces stand in texts whose parts are parted by spaces. */
export function encodeWord(word: string): string {
  return encodeURIComponent(word) || '%'
}

export function decodeWord(word: string): string {
  return word === '%' ? '' : decodeURIComponent(word)
}

/** What is read of a task. */
export interface StoredTask {
  readonly id: string
  /** The record: see `lua/record.ts`. */
  readonly record: string
  readonly kind: string
  /** JSON, or empty. */
  readonly headers: string
}

/** @throws UndecodableError */
export function decodeTask({ id, record, kind, headers }: StoredTask): Task {
  const fields = splitRecord(record)
  const { name, group, queue, parentId, maxRetries, maxCrashes } = decodeKind(kind)
  const { startedAt, completedAt, runAt, cancel } = fields
  return {
    schema: 1,
    id,
    name,
    group,
    queue,
    ...(parentId === undefined ? undefined : { parentId }),
    ...(headers === '' ? undefined : { headers: decodeHeaders(headers) }),
    state: fields.state,
    progress: fields.progress,
    attempt: fields.attempt,
    failures: fields.failures,
    crashes: fields.crashes,
    maxRetries,
    maxCrashes,
    createdAt: fields.createdAt,
    ...(runAt === '-' ? undefined : { runAt: Number(runAt) }),
    ...(startedAt === '-' ? undefined : { startedAt: Number(startedAt) }),
    ...(completedAt === '-' ? undefined : { completedAt: Number(completedAt) }),
    ...(cancel === '-' ? undefined : { cancelRequested: { requeue: cancel === 'r' } }),
    version: fields.version,
    incarnation: fields.incarnation,
  }
}

function decodeHeaders(headers: string): TaskHeaders {
  try {
    return JSON.parse(headers) as TaskHeaders
  } catch {
    throw new UndecodableError('its headers cannot be decoded')
  }
}

interface RecordFields {
  readonly state: StoredState
  readonly attempt: number
  readonly incarnation: string
  readonly claim: string
  readonly entry: string
  readonly createdAt: number
  readonly version: number
  readonly failures: number
  readonly crashes: number
  readonly progress: number
  readonly startedAt: string
  readonly completedAt: string
  readonly runAt: string
  readonly cancel: string
}

/** @throws UndecodableError */
function splitRecord(record: string): RecordFields {
  const parts = record.split(' ')
  const [schema, letter = '', attempt, incarnation = '', claim = '', entry = '', createdAt, version] = parts
  const state = STATES[letter]
  if (schema !== '1' || state === undefined || parts.length !== 15) throw new UndecodableError(reasonOf(schema))
  const [failures, crashes, progress, startedAt = '-', completedAt = '-', runAt = '-', cancel = '-'] = parts.slice(8)
  return {
    state,
    attempt: Number(attempt),
    incarnation: decodeWord(incarnation),
    claim,
    entry,
    createdAt: Number(createdAt),
    version: Number(version),
    failures: Number(failures),
    crashes: Number(crashes),
    progress: Number(progress),
    startedAt,
    completedAt,
    runAt,
    cancel,
  }
}

function reasonOf(schema: string | undefined): string {
  const version = Number(schema)
  return version > 1 ? `written by a newer version of this package (format ${version})` : 'its record cannot be decoded'
}

/** What a lease's token says: the head of the record as the claim left it, and the queue. */
export interface ClaimToken {
  readonly head: string
  readonly queue: string
}

/** Where in a record its head ends: behind the sixth part. */
export function headOf(record: string): string {
  let end = -1
  for (let part = 0; part < 6; part += 1) end = record.indexOf(' ', end + 1)
  return record.slice(0, end + 1)
}

/** The stream entry that a record's head names. */
export function entryOf(head: string): string {
  return head.slice(head.lastIndexOf(' ', head.length - 2) + 1, -1)
}

export function encodeToken(record: string, queue: string): string {
  return headOf(record) + queue
}

export function decodeToken(token: string): ClaimToken {
  const end = token.lastIndexOf(' ') + 1
  return { head: token.slice(0, end), queue: token.slice(end) }
}

/**
 * The events of one entry of the stream: names are ids of tasks, values an event each. A value has a line for its letter and the record it left,
 * one for what never changes of the task unless that is the same as in the event before, and one for its error. What is no event is left out.
 */
export function decodeEvents(fields: readonly string[], at: number): TaskEvent[] {
  const events: TaskEvent[] = []
  let lastKind = ''
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [taskId = '', text = ''] = fields.slice(index, index + 2)
    const [head = '', kind = lastKind, failure] = text.split('\n')
    lastKind = kind
    try {
      events.push(
        eventFrom({ id: taskId, record: head.slice(1), kind, headers: '' }, head.slice(0, 1), { at, failure }),
      )
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
    }
  }
  return events
}

/** @throws UndecodableError */
function eventFrom(
  stored: StoredTask,
  letter: string,
  { at, failure }: { at: number; failure: string | undefined },
): TaskEvent {
  const type = EVENTS[letter]
  if (type === undefined) throw new UndecodableError('an event of an unknown kind')
  const task = decodeTask(stored)
  return eventOf(type, task, {
    at,
    ...(failure === undefined ? undefined : { error: decodeError(failure) }),
    ...(type === 'CancelEvent' ? { requeue: task.cancelRequested?.requeue ?? false } : undefined),
    ...(type === 'CancelledEvent' ? { requeue: task.state === 'QUEUED' } : undefined),
  })
}

function decodeError(text: string): TaskError {
  try {
    return JSON.parse(text) as TaskError
  } catch {
    throw new UndecodableError('its error cannot be decoded')
  }
}

/** Of the id of a stream's entry: when it was written, by the server's clock. */
export function timeOf(entry: string): number {
  return Number(entry.slice(0, entry.indexOf('-')))
}
