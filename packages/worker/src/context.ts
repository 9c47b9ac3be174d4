import { scopedTaskManager } from '@ds/core'
import type {
  AnyTaskDefinition,
  Delivery,
  Logger,
  Middleware,
  Progress,
  Task,
  TaskAbortedError,
  TaskContext,
  TaskError,
  TaskManager,
} from '@ds/core'
import type { DependencySet } from './dependencies.ts'
import { createProgress } from './progress.ts'
import type { ProgressSink } from './progress.ts'
import { suspendedWaits } from './suspension.ts'
import type { Suspension } from './suspension.ts'

/** What every execution in one worker, thread or process shares. */
export interface ExecutionRuntime {
  /** That of the App which goes around runs, the outermost first. */
  readonly middleware: readonly Middleware[]
  readonly logger: Logger
  readonly dependencies: DependencySet
  /** Bytes of an encoded result. */
  readonly maxPayload: number
  /** The manager subtasks are created with; made at the first call. */
  readonly manager: () => TaskManager
}

/** A delivery and the definition that its name stands for. */
export interface Work {
  readonly definition: AnyTaskDefinition
  readonly delivery: Delivery
}

/** What a running task tells its worker, wherever that is. */
export interface DeliveryLink extends ProgressSink, Suspension {}

/**
 * What a handler gets besides its args. Nothing is made before it is asked for: most tasks use little of it, and a worker runs a hundred
 * thousand of them in a second.
 */
export class RunningContext implements TaskContext {
  readonly task: Task
  declare readonly previousError?: TaskError
  readonly #runtime: ExecutionRuntime
  readonly #definition: AnyTaskDefinition
  readonly #link: DeliveryLink
  #aborted: TaskAbortedError | undefined
  #controller: AbortController | undefined
  #progress: Progress | undefined
  #logger: Logger | undefined
  #manager: TaskManager | undefined

  constructor(runtime: ExecutionRuntime, { definition, delivery }: Work, link: DeliveryLink) {
    this.task = delivery.task
    if (delivery.previousError) this.previousError = delivery.previousError
    this.#runtime = runtime
    this.#definition = definition
    this.#link = link
  }

  get definition(): AnyTaskDefinition {
    return this.#definition
  }

  /** Why the signal fired, if it did. */
  get aborted(): TaskAbortedError | undefined {
    return this.#aborted
  }

  get attempt(): number {
    return this.task.attempt
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  get progress(): Progress {
    this.#progress ??= createProgress(this.#link)
    return this.#progress
  }

  get logger(): Logger {
    const { id, name, attempt } = this.task
    this.#logger ??= this.#runtime.logger.child({ task: id, name, attempt })
    return this.#logger
  }

  get manager(): TaskManager {
    this.#manager ??= scopedTaskManager(this.#runtime.manager(), {
      parentId: this.task.id,
      onWait: suspendedWaits(this.#link, this.signal),
      signal: this.signal,
    })
    return this.#manager
  }

  get dependencies(): object {
    return this.#runtime.dependencies.values(this.#definition.options.dependencies)
  }

  /** Fires the signal. Only the first call counts. */
  abort(reason: TaskAbortedError): void {
    if (this.#aborted) return
    this.#aborted = reason
    this.#controller?.abort(reason)
  }
}
