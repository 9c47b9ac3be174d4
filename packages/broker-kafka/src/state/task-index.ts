import { compareIds, STORED_STATES } from '@ds/core'
import type { StoredState, Task, TaskCursor, TaskPage, TaskQuery } from '@ds/core'
import type { Entry } from './entry.ts'

/** All tasks in the order of their creation, for lists. Removed ones stay until they are the greater part. */
export class TaskIndex {
  #order: Entry[] = []
  #sorted = true
  #gone = 0

  add(entry: Entry): void {
    const last = this.#order.at(-1)
    if (last && compare(last, entry) > 0) this.#sorted = false
    this.#order.push(entry)
  }

  /** To be called when one has been marked as gone. */
  remove(): void {
    this.#gone += 1
    if (this.#gone < 1024 || this.#gone * 2 < this.#order.length) return
    this.#order = this.#order.filter(({ gone }) => !gone)
    this.#gone = 0
  }

  list(query: TaskQuery): TaskPage {
    if (!this.#sorted) this.#order.sort(compare)
    this.#sorted = true
    const states = new Set<unknown>(query.states ?? STORED_STATES)
    const tasks: Task[] = []
    let index = query.cursor ? this.#firstNotBefore(query.cursor) : this.#order.length
    while (index > 0 && tasks.length <= query.limit) {
      index -= 1
      const entry = this.#order[index]
      if (entry && !entry.gone && states.has(entry.task.state) && matches(entry.task, query)) tasks.push(entry.task)
    }
    const page = tasks.slice(0, query.limit)
    const last = page.at(-1)
    return tasks.length > query.limit && last
      ? { tasks: page, cursor: { createdAt: last.createdAt, id: last.id } }
      : { tasks: page }
  }

  /** The position of the first that does not come before this place. */
  #firstNotBefore(cursor: TaskCursor): number {
    let [low, high] = [0, this.#order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const entry = this.#order[middle]
      if (entry && comparePlaces(entry.task, cursor) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** How many tasks are in each state, of several partitions. */
export function sumOf(counts: readonly Readonly<Record<StoredState, number>>[]): Record<StoredState, number> {
  const sum = { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0 }
  for (const each of counts) for (const state of STORED_STATES) sum[state] += each[state]
  return sum
}

function matches(task: Task, { name, group, parentId }: TaskQuery): boolean {
  return (
    (name === undefined || task.name === name) &&
    (group === undefined || task.group === group) &&
    (parentId === undefined || task.parentId === parentId)
  )
}

function compare(a: Entry, b: Entry): number {
  return comparePlaces(a.task, b.task)
}

function comparePlaces(a: TaskCursor, b: TaskCursor): number {
  return a.createdAt - b.createdAt || compareIds(a.id, b.id)
}
