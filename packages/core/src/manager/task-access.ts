import { randomUUID } from 'node:crypto'
import { Batcher } from '../batcher.ts'
import type { Broker, CancelAnswer, RemoveAnswer, Result } from '../broker/broker.ts'
import { BrokerRefusedError, DsError, UnknownTaskError } from '../errors.ts'
import { TaskActiveError, TaskCancelledError, TaskFailedError } from './errors-of-tasks.ts'
import { EventFeed } from '../watching/event-feed.ts'
import type { EventFilter, TaskEvent } from '../events.ts'
import { Patience } from '../patience.ts'
import { decodePayload } from '../tasks/payload.ts'
import { isFinal } from '../tasks/task.ts'
import type { AttemptError, Task } from '../tasks/task.ts'
import { TaskFollowers } from '../watching/task-followers.ts'
import type { WaitOptions } from './task-manager.ts'
import { finalState, withinLimits } from './task-wait.ts'
import { throughOutage } from '../through-outage.ts'
import type { WaitWrapper } from '../watching/watch.ts'
import { watchTask } from '../watching/watch-task.ts'
import { watchTasks } from '../watching/watch-tasks.ts'

/** Ids to one read. */
const READ_LIMITS = { inFlight: 4, maxItems: 1000, maxBytes: Number.POSITIVE_INFINITY }

/** Everything that can be done with a task whose id is known. Shared by the handles of a manager. */
export class TaskAccess {
  readonly #broker: Broker
  readonly #reader: Batcher<string, Task | undefined>
  readonly #feed: EventFeed
  readonly #followers: TaskFollowers

  constructor(broker: Broker) {
    this.#broker = broker
    this.#reader = new Batcher({ send: (ids) => readTasks(broker, ids), limits: READ_LIMITS })
    this.#feed = new EventFeed(broker)
    this.#followers = new TaskFollowers(this.#feed, this.#reader)
  }

  get(id: string): Promise<Task | undefined> {
    return this.#reader.send(id)
  }

  async args(id: string): Promise<unknown> {
    const payload = await this.#broker.args(id)
    if (payload === undefined) throw new UnknownTaskError(id)
    return decodePayload(payload)
  }

  async errors(id: string): Promise<AttemptError[]> {
    const errors = await this.#broker.errors(id)
    if (errors.length === 0) await this.#known(id)
    return errors
  }

  cancel(id: string, { requeue = false }: { requeue?: boolean } = {}): Promise<CancelAnswer> {
    return this.#broker.cancel(id, { requeue })
  }

  async retry(id: string): Promise<void> {
    const answer = await this.#broker.retry(id, { nonce: randomUUID() })
    if (answer === 'active') throw new TaskActiveError(id)
    if (answer === 'unknown') throw new UnknownTaskError(id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.#broker.remove(id)
  }

  /** The task once it has ended. An outage is waited out. */
  wait(id: string, options: WaitOptions = {}): Promise<Task> {
    return withinLimits(id, options, (signal) =>
      this.#untilAnswered(id, signal, async () => {
        const task = await this.#known(id)
        return isFinal(task.state) ? { value: task } : undefined
      }),
    )
  }

  /** The result once the task has ended, or the error it ended in. An outage is waited out. */
  result(id: string, options: WaitOptions = {}): Promise<unknown> {
    return withinLimits(id, options, (signal) => this.#untilAnswered(id, signal, () => this.#outcome(id)))
  }

  watch(id: string, signal: AbortSignal | undefined, onWait: WaitWrapper | undefined): AsyncIterable<TaskEvent> {
    return restartable(() => watchTask(this.#followers, id, { signal, onWait }))
  }

  watchAll(
    filter: EventFilter,
    signal: AbortSignal | undefined,
    onWait: WaitWrapper | undefined,
  ): AsyncIterable<TaskEvent> {
    const supply = { feed: this.#feed, broker: this.#broker, reader: this.#reader }
    return restartable(() => watchTasks(supply, filter, { signal, onWait }))
  }

  /** Ends waits and watches. */
  close(): void {
    this.#followers.close()
    this.#feed.close()
  }

  /**
   * Waits for the task's end and asks for the answer, again where the task was run again in between. Where no subscription is open,
   * the answer is asked for first: most tasks that are asked for once have ended already.
   */
  async #untilAnswered<Value>(
    id: string,
    signal: AbortSignal,
    ask: () => Promise<{ value: Value } | undefined>,
  ): Promise<Value> {
    const patience = new Patience()
    let answer = this.#feed.open ? undefined : await throughOutage(ask, signal)
    while (!answer) {
      await finalState(this.#followers, id, signal)
      answer = await throughOutage(ask, signal)
      if (!answer) await patience.wait(signal)
    }
    return answer.value
  }

  /** The result of a task that has ended well; throws what it ended in otherwise; undefined where it has not ended. */
  async #outcome(id: string): Promise<{ value: unknown } | undefined> {
    const payload = await this.#broker.result(id)
    if (payload !== undefined) return { value: decodePayload(payload) }
    const task = await this.#known(id)
    if (task.state === 'CANCELLED') throw new TaskCancelledError(task)
    if (task.state !== 'ERROR') return undefined
    throw new TaskFailedError(task, (await this.#broker.errors(id)).at(-1)?.error)
  }

  async #known(id: string): Promise<Task> {
    const task = await this.#reader.send(id)
    if (!task) throw new UnknownTaskError(id)
    return task
  }
}

async function readTasks(broker: Broker, ids: readonly string[]): Promise<Result<Task | undefined>[]> {
  try {
    const tasks = await broker.get(ids)
    return tasks.map((value) => ({ ok: true, value }))
  } catch (error) {
    if (DsError.is(error)) throw error
    // Not an outage, which would be waited out: trying this again would fail the same way for ever.
    const message = error instanceof Error ? error.message : String(error)
    throw new BrokerRefusedError(`The broker failed: ${message}`, { cause: error })
  }
}

/** Each loop over it is a watch of its own. */
function restartable(watch: () => AsyncIterator<TaskEvent>): AsyncIterable<TaskEvent> {
  return { [Symbol.asyncIterator]: watch }
}
