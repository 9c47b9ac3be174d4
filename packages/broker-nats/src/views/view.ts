import { compareIds, STORED_STATES } from '@ds/core'
import type { StoredState, Task, TaskCounts, TaskCursor, TaskQuery } from '@ds/core'
import type { Msg } from '@nats-io/transport-node'
import { readLogged } from '../records/logged-record.ts'
import type { Names } from '../names.ts'

/** What is kept of a task to find it. */
interface Row {
  readonly id: string
  readonly createdAt: number
  state: StoredState
  readonly name: string
  readonly group: string
  readonly parentId: string | undefined
  runAt: number | undefined
  readonly incarnation: string
  revision: number
  removed: boolean
}

const DROPPED_KEPT = 10_000

/** All tasks of a namespace in short, built from the log: what `list` and `counts` are answered from. */
export class TaskView {
  readonly #names: Names
  readonly #rows = new Map<string, Row>()
  readonly #counts: Record<StoredState, number> = { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0 }
  readonly #timed = new Set<Row>()
  readonly #dropped = new Map<string, number>()
  /** Oldest first; sorted when it is read. Removed ones stay until they are many. */
  #order: Row[] = []
  #sorted = true
  #removed = 0

  constructor(names: Names) {
    this.#names = names
  }

  /** Takes in a message of the log. */
  take({ subject, data }: Pick<Msg, 'subject' | 'data'>, revision: number): void {
    const logged = readLogged(this.#names, subject, data)
    if (logged.type === 'removed') this.drop(logged.id, revision)
    else if (logged.type === 'record') this.put(logged.record.task, revision)
    else if (logged.type === 'first') this.#putFirst(logged.record.task, revision)
  }

  put(task: Task, revision: number): void {
    const present = this.#rows.get(task.id)
    if ((present?.revision ?? 0) > revision || (this.#dropped.get(task.id) ?? 0) >= revision) return
    if (present && present.incarnation !== task.incarnation) this.#remove(present)
    const row = this.#rows.get(task.id) ?? this.#add(task)
    this.#count(row, -1)
    row.state = task.state as StoredState
    row.runAt = task.state === 'QUEUED' ? task.runAt : undefined
    row.revision = revision
    this.#count(row, 1)
  }

  /** A first entry says nothing of a task that was changed or removed: it may be that of a submission sent again. */
  #putFirst(task: Task, revision: number): void {
    if (!this.#rows.has(task.id) && !this.#dropped.has(task.id)) this.put(task, revision)
  }

  /** Forgets a task that was removed at this revision. */
  drop(id: string, revision: number): void {
    this.#dropped.delete(id)
    this.#dropped.set(id, revision)
    this.#forgetOldestDrop()
    const row = this.#rows.get(id)
    if (row && row.revision <= revision) this.#remove(row)
  }

  #forgetOldestDrop(): void {
    if (this.#dropped.size <= DROPPED_KEPT) return
    const [oldest] = this.#dropped.keys()
    if (oldest !== undefined) this.#dropped.delete(oldest)
  }

  #remove(row: Row): void {
    row.removed = true
    this.#rows.delete(row.id)
    this.#count(row, -1)
    this.#removed += 1
    if (this.#removed < 1024 || this.#removed * 2 < this.#order.length) return
    this.#order = this.#order.filter(({ removed }) => !removed)
    this.#removed = 0
  }

  clear(): void {
    this.#rows.clear()
    this.#dropped.clear()
    this.#timed.clear()
    this.#order = []
    this.#removed = 0
    for (const state of STORED_STATES) this.#counts[state] = 0
  }

  counts(now: number): TaskCounts {
    let delayed = 0
    for (const { runAt } of this.#timed) if (runAt !== undefined && runAt > now) delayed += 1
    return { ...this.#counts, delayed }
  }

  /** Ids of a page, newest first, and where it ended; without an end there is no more. */
  page(query: TaskQuery): { ids: string[]; cursor?: TaskCursor } {
    this.#sort()
    const found: Row[] = []
    for (let index = this.#startOf(query.cursor); index >= 0; index -= 1) {
      const row = this.#order[index]
      if (!row || row.removed || !matches(row, query)) continue
      const last = found.at(-1)
      if (found.length === query.limit && last) {
        return { ids: found.map(({ id }) => id), cursor: { createdAt: last.createdAt, id: last.id } }
      }
      found.push(row)
    }
    return { ids: found.map(({ id }) => id) }
  }

  #add(task: Task): Row {
    const row: Row = {
      id: task.id,
      createdAt: task.createdAt,
      state: task.state as StoredState,
      name: task.name,
      group: task.group,
      parentId: task.parentId,
      runAt: undefined,
      incarnation: task.incarnation,
      revision: 0,
      removed: false,
    }
    const last = this.#order.at(-1)
    if (last && compare(last, row) > 0) this.#sorted = false
    this.#rows.set(task.id, row)
    this.#order.push(row)
    this.#count(row, 1)
    return row
  }

  #count(row: Row, change: 1 | -1): void {
    this.#counts[row.state] += change
    if (change === 1 && row.runAt !== undefined) this.#timed.add(row)
    else this.#timed.delete(row)
  }

  #sort(): void {
    if (this.#sorted) return
    this.#order.sort(compare)
    this.#sorted = true
  }

  /** The last row before a cursor. */
  #startOf(cursor: TaskCursor | undefined): number {
    let [low, high] = [0, this.#order.length]
    while (cursor && low < high) {
      const middle = (low + high) >> 1
      const row = this.#order[middle]
      if (row && compare(row, cursor) < 0) low = middle + 1
      else high = middle
    }
    return (cursor ? low : high) - 1
  }
}

/** Whether a task is what a query asks for. */
export function matches(task: Pick<Task, 'name' | 'group' | 'parentId' | 'state'> | Row, query: TaskQuery): boolean {
  return (
    (query.states === undefined || query.states.includes(task.state as StoredState)) &&
    (query.name === undefined || task.name === query.name) &&
    (query.group === undefined || task.group === query.group) &&
    (query.parentId === undefined || task.parentId === query.parentId)
  )
}

function compare(a: TaskCursor, b: TaskCursor): number {
  return a.createdAt - b.createdAt || compareIds(a.id, b.id)
}
