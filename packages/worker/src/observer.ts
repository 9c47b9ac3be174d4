import type { App, Logger, Outcome, Task } from '@ds/core'

/** Told of what a worker does, wherever the handlers run: for displays, logs and measures. What it throws is logged and harms nothing. */
export interface WorkerObserver {
  /** A handler is about to run, or a task was received whose name no App here knows. */
  taskStarted?(run: ObservedRun): void
  /** A task has an outcome, which is on its way to the broker. Called once, also for a task that was given back without being started. */
  taskEnded?(run: EndedRun): void
}

/** One run of a task by a worker. */
export interface ObservedRun {
  readonly task: Task
  readonly worker: WorkerIdentity
}

/** A run that has an outcome. */
export interface EndedRun extends ObservedRun {
  readonly outcome: Outcome
  /** Milliseconds from claim to outcome. */
  readonly duration: number
}

/** Which worker runs a task. */
export interface WorkerIdentity {
  /** As the broker knows it: the `id` of its options, or one made from host, process and chance. */
  readonly id: string
  readonly app: App
  /** The worker's own, without fields of a task. */
  readonly logger: Logger
}

/** Tells one of many; an observer that throws is logged and the others still hear. */
export function tellObservers(
  observers: readonly WorkerObserver[],
  logger: Logger,
  tell: (observer: WorkerObserver) => void,
): void {
  for (const observer of observers) {
    try {
      tell(observer)
    } catch (error) {
      logger.error('An observer of the worker threw', { error })
    }
  }
}

/** Whether something, such as middleware of an App, also observes workers. */
export function isObserver(value: object): value is WorkerObserver {
  return 'taskStarted' in value || 'taskEnded' in value
}
