import { isFinal } from '@ds/core'
import type { AttemptError, Payload, RemoveAnswer, Task, TaskCounts, TaskPage, TaskQuery, TaskStore } from '@ds/core'
import type { Clock } from './jetstream/clock.ts'
import type { LiveView } from './views/live-view.ts'
import type { Payloads } from './records/payloads.ts'
import type { Removals } from './records/removals.ts'
import type { Records } from './records/records.ts'
import { matches } from './views/view.ts'

export interface StoreParts {
  readonly records: Records
  readonly payloads: Payloads
  readonly removals: Removals
  readonly view: LiveView
  readonly clock: Clock
}

/** State, results and errors. Single tasks are read from the server, lists come from a view in this process. */
export class NatsStore implements Omit<TaskStore, 'parked'> {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    const found = await Promise.all(ids.map((id) => this.#parts.records.read(id)))
    return found.map((stored) => stored?.record.task)
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    const view = await this.#parts.view.upToDate()
    const { ids, cursor } = view.page(query)
    const tasks = await this.get(ids)
    // The view is a moment behind what is read now.
    const matching = tasks.filter((task): task is Task => task !== undefined && matches(task, query))
    return cursor ? { tasks: matching, cursor } : { tasks: matching }
  }

  async counts(): Promise<TaskCounts> {
    const { view, clock } = this.#parts
    return (await view.upToDate()).counts(clock.now())
  }

  async args(id: string): Promise<Payload | undefined> {
    const { records, payloads } = this.#parts
    let stored = await records.read(id)
    for (;;) {
      const args = stored && (await payloads.load(stored.record.args, stored.record.task))
      if (!stored || args !== undefined) return args
      const before = stored.revision
      stored = await records.read(id)
      // A retry has moved them meanwhile.
      if (stored?.revision === before) return undefined
    }
  }

  async result(id: string): Promise<Payload | undefined> {
    const stored = await this.#parts.records.read(id)
    if (stored?.record.task.state !== 'DONE') return undefined
    return this.#parts.payloads.load(stored.record.result, stored.record.task)
  }

  async errors(id: string): Promise<AttemptError[]> {
    return [...((await this.#parts.records.read(id))?.record.errors ?? [])]
  }

  async remove(id: string): Promise<RemoveAnswer> {
    const { records, removals } = this.#parts
    for (;;) {
      const stored = await records.read(id)
      if (!stored) return 'unknown'
      if (!isFinal(stored.record.task.state)) return 'active'
      if (await removals.remove(stored)) return 'removed'
    }
  }
}
