import type { Outcome } from '@ds/core'
import { RunningContext } from '../context.ts'
import type { ExecutionRuntime } from '../context.ts'
import { executeDelivery } from '../execute-delivery.ts'
import type { AbortTarget } from '../held-delivery.ts'
import type { RunnableDelivery, Runner } from './runner.ts'

/** Runs handlers in the worker's own thread. They are told to end, and cannot be made to. */
export class InlineRunner implements Runner {
  readonly #runtime: ExecutionRuntime

  constructor(runtime: ExecutionRuntime) {
    this.#runtime = runtime
  }

  async start(): Promise<void> {}

  run(held: RunnableDelivery): Promise<Outcome> {
    const context = new InlineContext(this.#runtime, held)
    held.begin(context)
    return executeDelivery(this.#runtime, context, held.delivery.args)
  }

  async stop(): Promise<void> {}
}

class InlineContext extends RunningContext implements AbortTarget {
  readonly #runtime: ExecutionRuntime

  constructor(runtime: ExecutionRuntime, held: RunnableDelivery) {
    super(runtime, held, held)
    this.#runtime = runtime
  }

  graceOver(): void {
    const { name, id, attempt } = this.task
    this.#runtime.logger.warn(
      `${name} goes on although its signal fired (${this.aborted?.kind}), and cannot be ended. Pass context.signal on to what it ` +
        "waits for, or set isolation: 'thread' or 'process' on it",
      { task: id, attempt },
    )
  }
}
