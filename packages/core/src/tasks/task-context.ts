import type { TaskManager } from '../manager/task-manager.ts'
import type { Task, TaskError } from './task.ts'

/** Why a handler's signal fired: found in `signal.reason.kind`. */
export type AbortKind = 'cancelled' | 'timeout' | 'shutdown' | 'lease-lost'

/** What a handler gets besides its args. */
export interface TaskContext<Dependencies = object> {
  /** The task as it was claimed. */
  readonly task: Task
  readonly attempt: number
  /** The error of the attempt before, if it failed. */
  readonly previousError?: TaskError
  /** Fires when the handler should end; its reason is a {@link TaskAbortedError}. */
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly logger: Logger
  /** Creates subtasks: what it creates has this task as parent. While a handler waits for one, its slot is free for others. */
  readonly manager: TaskManager
  readonly dependencies: Dependencies
}

/**
 * Says how far the task is. Calls are cheap: what is sent is throttled, and the newest value wins. Values outside 0 to 1 are clamped,
 * and progress never goes back within an attempt.
 */
export interface Progress {
  (fraction: number): void
  /** Progress as a count: `const step = progress.of(files.length)`, then `step()` for each one done, or `step(n)` for n. */
  of(total: number): (count?: number) => void
  /** A part of the range: what the returned function is told from 0 to 1 moves this progress from `from` to `to`. */
  scaled(from: number, to: number): Progress
  /** One progress for each weight; together they make the whole, sum(p * w) / sum(w). */
  weighted(...weights: readonly number[]): Progress[]
  /** Goes over items and counts one each time the loop comes round; yields the item and its number from 1. */
  over<Item>(items: readonly Item[]): AsyncIterable<[item: Item, step: number]>
  /** Sends what is known now, without waiting for the throttle. */
  flush(): void
}

/** What a handler and the worker log with. */
export interface Logger {
  /** What helps to find out why. */
  debug(message: string, fields?: LogFields): void
  /** What is worth knowing in daily use. */
  info(message: string, fields?: LogFields): void
  /** What somebody should look at some time. */
  warn(message: string, fields?: LogFields): void
  /** What somebody should look at now. */
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger
}

/** Fields of a line in the log; values that JSON can say. */
export type LogFields = Readonly<Record<string, unknown>>

/** The reason of a fired signal. */
export class TaskAbortedError extends Error {
  readonly kind: AbortKind

  constructor(kind: AbortKind, message: string) {
    super(message)
    this.name = 'TaskAborted'
    this.kind = kind
  }
}
