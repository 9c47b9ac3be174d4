import type { CancelAnswer, RemoveAnswer } from '../broker/broker.ts'
import { UnknownTaskError } from '../errors.ts'
import type { TaskEvent } from '../events.ts'
import type { AttemptError, Task } from '../tasks/task.ts'
import type { TaskAccess } from './task-access.ts'
import type { TaskHandle, WaitOptions } from './task-manager.ts'
import type { WaitWrapper } from '../watching/watch.ts'

/** How the handles of a manager reach their tasks. */
export interface HandleScope {
  readonly access: TaskAccess
  /** Surrounds each wait, where the waiter runs inside a handler. */
  readonly onWait: WaitWrapper | undefined
  /** Ends each wait and watch, where the waiter runs inside a handler. */
  readonly signal: AbortSignal | undefined
}

/** A signal that fires with the first of two. */
export function eitherSignal(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other)
}

/** A task by its id. */
export class DefaultTaskHandle implements TaskHandle {
  readonly id: string
  readonly created: boolean
  readonly #scope: HandleScope

  constructor(scope: HandleScope, id: string, created: boolean) {
    this.#scope = scope
    this.id = id
    this.created = created
  }

  async get(): Promise<Task> {
    const task = await this.#scope.access.get(this.id)
    if (!task) throw new UnknownTaskError(this.id)
    return task
  }

  args(): Promise<unknown> {
    return this.#scope.access.args(this.id)
  }

  result(options?: WaitOptions): Promise<unknown> {
    const { access, onWait } = this.#scope
    const limits = this.#limits(options)
    return onWait ? onWait(() => access.result(this.id, limits)) : access.result(this.id, limits)
  }

  wait(options?: WaitOptions): Promise<Task> {
    const { access, onWait } = this.#scope
    const limits = this.#limits(options)
    return onWait ? onWait(() => access.wait(this.id, limits)) : access.wait(this.id, limits)
  }

  errors(): Promise<AttemptError[]> {
    return this.#scope.access.errors(this.id)
  }

  watch({ signal }: { signal?: AbortSignal } = {}): AsyncIterable<TaskEvent> {
    const { access, onWait, signal: ending } = this.#scope
    return access.watch(this.id, eitherSignal(signal, ending), onWait)
  }

  async cancel(options?: { requeue?: boolean }): Promise<CancelAnswer> {
    const answer = await this.#scope.access.cancel(this.id, options)
    if (answer === 'unknown') throw new UnknownTaskError(this.id)
    return answer
  }

  retry(): Promise<void> {
    return this.#scope.access.retry(this.id)
  }

  async remove(): Promise<RemoveAnswer> {
    const answer = await this.#scope.access.remove(this.id)
    if (answer === 'unknown') throw new UnknownTaskError(this.id)
    return answer
  }

  #limits(options: WaitOptions | undefined): WaitOptions | undefined {
    const signal = eitherSignal(options?.signal, this.#scope.signal)
    return signal ? { ...options, signal } : options
  }
}
