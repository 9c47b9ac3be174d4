/**
 * The glossary in types. A **task** is one requested execution of a task definition; this file says what is known of it.
 * Args, result and errors are kept apart from this record: they may be large, and are read on their own.
 */

/** The states of a task. `CREATED` is what a manager shows before the broker has answered; brokers never store it. */
export type TaskState = 'CREATED' | 'QUEUED' | 'RUNNING' | 'DONE' | 'ERROR' | 'CANCELLED'

/** The states that only an explicit retry leaves. */
export type FinalState = 'DONE' | 'ERROR' | 'CANCELLED'

/** Every state a broker stores, in the order in which people read them. */
export const STORED_STATES: readonly StoredState[] = ['QUEUED', 'RUNNING', 'DONE', 'ERROR', 'CANCELLED']
/** The states that brokers store. */
export type StoredState = Exclude<TaskState, 'CREATED'>

/** Whether a task in this state has ended. */
export function isFinal(state: TaskState): state is FinalState {
  return state === 'DONE' || state === 'ERROR' || state === 'CANCELLED'
}

/** JSON text. Core encodes a value once, checks the limit on its bytes, and adapters store the text as it is. */
export type Payload = string

/** The metadata of a task: everything but its args, result and errors. Times are milliseconds since 1970, by the broker's clock. */
export interface Task {
  readonly schema: 1
  /** 1 to 200 bytes of any UTF-8, unique in the namespace. */
  readonly id: string
  /** The name its definition was registered under. */
  readonly name: string
  /** Which kind of worker runs it. */
  readonly group: string
  /** Where it waits. Opaque to brokers; core derives it from the group. */
  readonly queue: string
  /** The task that created it, if one did. */
  readonly parentId?: string
  /** What middleware sends along, such as a trace context. At most 4 KiB encoded. */
  readonly headers?: TaskHeaders
  readonly state: TaskState
  /** 0 to 1. Never goes back within an attempt. */
  readonly progress: number
  /** Number of the current start, from 1; 0 before the first. Only grows: it is the fencing token. */
  readonly attempt: number
  /** Attempts that ended in an error, since the last explicit retry. */
  readonly failures: number
  /** Attempts whose worker died, since the last explicit retry. */
  readonly crashes: number
  /** How many runs may follow the first because of failures. */
  readonly maxRetries: number
  /** How many crashes end the task in ERROR `WorkerLost`. */
  readonly maxCrashes: number
  readonly createdAt: number
  /** Not before this time. Absent when the task was never delayed, or is due and started. */
  readonly runAt?: number
  /** Start of the current attempt. */
  readonly startedAt?: number
  /** When it became final. */
  readonly completedAt?: number
  /** A cancel was requested of the running attempt; `requeue` sends the task back to its queue instead of ending it. */
  readonly cancelRequested?: { readonly requeue: boolean }
  /** Grows with every change of this record, by one or more. */
  readonly version: number
  /** Tells this record from a removed one that had the same id. */
  readonly incarnation: string
}

/** Names and texts that travel with a task. */
export type TaskHeaders = Readonly<Record<string, string>>

/** An error as it is stored: its chain is flattened, its stack parsed. The message is at most 4 KiB, the stack 50 frames. */
export interface TaskError {
  readonly name: string
  readonly message: string
  readonly cause?: string
  /** The frames, innermost first. */
  readonly stacktrace: readonly StackFrame[]
}

/** One frame of a stack. */
export interface StackFrame {
  readonly name: string
  readonly file: string
  readonly lineno: number
}

/** One failed attempt. A task keeps its last 20. */
export interface AttemptError {
  readonly attempt: number
  /** When the broker recorded it. */
  readonly at: number
  readonly error: TaskError
}

/** How many failed attempts are kept of a task: the last ones. */
export const MAX_ATTEMPT_ERRORS = 20

/** Orders ids by their UTF-8 bytes, as servers do. UTF-16 orders the same way except where surrogates are involved. */
export function compareIds(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

const SURROGATE = /[\ud800-\udfff]/

/** How many failures the task may still have before it ends in ERROR. */
export function retriesLeft(task: Pick<Task, 'maxRetries' | 'failures'>): number {
  return Math.max(0, task.maxRetries - task.failures)
}
