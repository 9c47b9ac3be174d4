import type { AbortKind, Isolation, Task } from '@ds/core'
import type { RunCounts } from './deliveries.ts'

/** Where a worker is in its life. `starting` lasts while its broker cannot be reached. */
export type WorkerState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped'

/** What a worker does just now. */
export interface WorkerStatus {
  readonly state: WorkerState
  /** Known once it runs. */
  readonly id?: string
  readonly app?: string
  readonly groups?: readonly string[]
  readonly concurrency?: number
  /** Where its broker is: a URL without credentials. */
  readonly address?: string
  /** What it runs, in the order in which it was claimed. */
  readonly running: readonly RunningTask[]
  /** How runs ended since it was started. */
  readonly counts: Readonly<RunCounts>
}

/** A task that a worker runs just now. */
export interface RunningTask {
  /** As it was claimed. */
  readonly task: Task
  /** From 0 to 1. */
  readonly progress: number
  readonly isolation: Isolation
  /** Milliseconds since it was claimed. */
  readonly duration: number
  /** Why it was told to end, if it was. */
  readonly aborted?: AbortKind
}

/** The counts of a worker that has run nothing. */
export const NO_RUNS: RunCounts = {
  started: 0,
  done: 0,
  error: 0,
  retry: 0,
  cancelled: 0,
  released: 0,
  lost: 0,
  superseded: 0,
}
