import type { AnyTaskDefinition } from './task-definition.ts'
import type { TaskContext } from './task-context.ts'
import type { TaskHeaders } from './task.ts'

/** One run of a handler, as middleware sees it. */
export interface Execution {
  readonly definition: AnyTaskDefinition
  readonly args: unknown
  readonly context: TaskContext
}

/**
 * Something that surrounds tasks: logs, traces, measures. `run` goes around each run of a handler; it must call `next` and return (or
 * change) what that gives. `create` goes before each creation and may add headers, which travel with the task.
 */
export interface Middleware {
  readonly name: string
  /** Goes around a run of a handler. */
  run?(execution: Execution, next: () => Promise<unknown>): Promise<unknown>
  /** Goes before a creation; what it returns is added to the headers. */
  create?(request: { readonly name: string; readonly args: unknown }): TaskHeaders | undefined
}
