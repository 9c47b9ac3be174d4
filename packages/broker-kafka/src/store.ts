import type { AttemptError, Payload, Task, TaskCounts, TaskPage, TaskQuery } from '@ds/core'
import { placeOf } from './parts.ts'
import type { Parts } from './parts.ts'
import type { KafkaQueue } from './queue.ts'
import type { Demand } from './state/demand.ts'
import { payloadsOf } from './state/payloads.ts'
import { sumOf } from './state/task-index.ts'
import type { TaskIndex } from './state/task-index.ts'

/** State, results and errors, from the view of this process. */
export class KafkaStore {
  readonly #parts: Parts
  readonly #demand: Demand
  readonly #queue: KafkaQueue
  readonly #index: TaskIndex

  constructor(parts: Parts, { demand, queue, index }: { demand: Demand; queue: KafkaQueue; index: TaskIndex }) {
    this.#parts = parts
    this.#demand = demand
    this.#queue = queue
    this.#index = index
  }

  async get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    const { view } = this.#parts
    const partitions = new Set(ids.map((id) => placeOf(this.#parts, id)))
    await Promise.all([...partitions].map((partition) => this.#demand.partition(partition)))
    const known = (id: string): Task | undefined => view.partitions[placeOf(this.#parts, id)]?.entries.get(id)?.task
    const unknown = new Set(ids.filter((id) => !known(id)).map((id) => placeOf(this.#parts, id)))
    await Promise.all([...unknown].map((partition) => view.newest(partition)))
    return ids.map(known)
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    await this.#demand.everything()
    return this.#index.list(query)
  }

  async counts(): Promise<TaskCounts> {
    const partitions = await this.#demand.everything()
    const now = this.#parts.clock.now()
    const delayed = partitions.reduce((sum, part) => sum + part.delayedCount(now), 0)
    return { ...sumOf(partitions.map(({ counts }) => counts)), delayed }
  }

  async args(id: string): Promise<Payload | undefined> {
    const entry = await this.#queue.find(id)
    return entry && (entry.args ?? (await payloadsOf(this.#parts, [entry])).get(entry)?.args)
  }

  async result(id: string): Promise<Payload | undefined> {
    const entry = await this.#queue.find(id)
    if (entry?.resultAt === undefined) return undefined
    return entry.result ?? (await payloadsOf(this.#parts, [entry])).get(entry)?.result
  }

  async errors(id: string): Promise<AttemptError[]> {
    return [...((await this.#queue.find(id))?.errors ?? [])]
  }
}
