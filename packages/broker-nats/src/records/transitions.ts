import { apply, eventOf, MAX_ATTEMPT_ERRORS, newRecord } from '@ds/core'
import type { AttemptError, Change, NewTask, Task, TaskEvent, Verdict } from '@ds/core'
import type { ChangeNote, Slot, TaskRecord } from './codec.ts'
import { drawNonce } from './nonce.ts'

/** The first record of a task. */
export function acceptedRecord(task: NewTask, args: Slot, now: number): TaskRecord {
  const record = newRecord(task, now)
  const note = { type: 'QueuedEvent', at: now } as const
  const nonce = drawNonce()
  // Not the incarnation: the same submit, sent again after a removal, must not take the entry that is left of it for its own.
  return { schema: 1, task: record, nonce, ticket: nonce, args, note }
}

export type AppliedVerdict = Extract<Verdict, { verdict: 'applied' }>

/** Applies a change to the task of a record. */
export function applyTo(record: TaskRecord, change: Change): Verdict {
  return apply(record.task, change)
}

/** The record that follows from a change that was applied. */
export function recordAfter(record: TaskRecord, { task, event, error }: AppliedVerdict, at: number): TaskRecord {
  const { result: _result, earlier: _earlier, settledBy: _settledBy, quiet: _quiet, ...kept } = record
  const errors = error ? [...(record.errors ?? []), { attempt: task.attempt, at, error }] : record.errors
  const requeue = requeueOf(record.task, task, event)
  const note: ChangeNote = {
    type: event,
    at,
    ...(error && { error }),
    ...(requeue !== undefined && { requeue }),
  }
  return { ...kept, task, nonce: drawNonce(), ...(errors && { errors: errors.slice(-MAX_ATTEMPT_ERRORS) }), note }
}

function requeueOf(before: Task, after: Task, event: ChangeNote['type']): boolean | undefined {
  if (event !== 'CancelEvent' && event !== 'CancelledEvent') return undefined
  return after.cancelRequested?.requeue ?? before.cancelRequested?.requeue ?? false
}

/** The same task, its lease lasting again from now on. */
export function renewedRecord({ earlier: _earlier, ...record }: TaskRecord, at: number): TaskRecord {
  return { ...record, nonce: drawNonce(), renewedAt: at, quiet: true }
}

/** The event that the last change of a record was. */
export function eventOfRecord({ task, note: { type, ...details } }: TaskRecord): TaskEvent {
  return eventOf(type, task, details)
}

/** All events that the write of a record tells of, in order. */
export function eventsOf(record: TaskRecord): TaskEvent[] {
  return record.quiet ? [] : [...(record.earlier ?? []), eventOfRecord(record)]
}

const SHORT_STACK = 3
const SHORT_TEXT = 200

/**
 * Errors that fit into so many bytes of JSON: the oldest lose most of their stacks, then most of their messages, then go. Only tasks
 * that fail again and again with very large errors come near the limit.
 */
export function fitErrors(errors: readonly AttemptError[], limit: number): readonly AttemptError[] {
  let fitted = [...errors]
  for (const shorten of [cutStack, cutText]) {
    for (let index = 0; index < fitted.length - 1 && sizeOf(fitted) > limit; index += 1) {
      const error = fitted[index]
      if (error) fitted[index] = shorten(error)
    }
  }
  while (fitted.length > 1 && sizeOf(fitted) > limit) fitted = fitted.slice(1)
  return fitted
}

function cutStack({ error, ...rest }: AttemptError): AttemptError {
  return { ...rest, error: { ...error, stacktrace: error.stacktrace.slice(0, SHORT_STACK) } }
}

function cutText({ error, ...rest }: AttemptError): AttemptError {
  const { cause, ...named } = error
  const shortened = { ...named, message: error.message.slice(0, SHORT_TEXT) }
  return { ...rest, error: cause === undefined ? shortened : { ...shortened, cause: cause.slice(0, SHORT_TEXT) } }
}

function sizeOf(errors: readonly AttemptError[]): number {
  return Buffer.byteLength(JSON.stringify(errors))
}
