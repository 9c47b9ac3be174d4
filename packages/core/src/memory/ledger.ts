import type { Retention } from '../broker/broker-adapter.ts'
import type { TaskCursor, TaskPage, TaskQuery } from '../broker/broker.ts'
import { compareIds, isFinal } from '../tasks/task.ts'
import type { AttemptError, Payload, StoredState, Task } from '../tasks/task.ts'
import { Fifo } from '../fifo.ts'

/** What is kept of one task. `task` is replaced as a whole with every change, so that what was handed out never changes. */
export interface Entry {
  task: Task
  readonly args: Payload
  result: Payload | undefined
  errors: AttemptError[] | undefined
  /** Where it stands. `left`: in a queue, from before a cancel; it must not stand there twice. */
  waiting: 'queue' | 'left' | 'delays' | undefined
  removed: boolean
  /** The nonce of its last retry. */
  retriedBy: string | undefined
  /** How often it stands in the list of the finished. */
  endings: number
}

/** All the tasks of a memory broker, with what is counted and listed of them. */
export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #counts: Record<StoredState, number> = { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0 }
  /** In the order in which they ended. Removed ones stay until they are the greater part. */
  readonly #finished = new Fifo<Entry>()
  #finishedRemoved = 0
  readonly #retention: Retention
  /** By creation. Removed ones stay until they are the greater part. */
  #order: Entry[] = []
  #removed = 0

  constructor(retention: Retention) {
    this.#retention = retention
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  add(task: Task, args: Payload): Entry {
    const entry: Entry = {
      task,
      args,
      result: undefined,
      errors: undefined,
      waiting: undefined,
      removed: false,
      retriedBy: undefined,
      endings: 0,
    }
    this.#entries.set(task.id, entry)
    this.#order.push(entry)
    this.#counts[stored(task)] += 1
    return entry
  }

  /** Stores a task's next state, and lets go of the finished ones that are over the count to keep. */
  update(entry: Entry, task: Task): void {
    this.#counts[stored(entry.task)] -= 1
    this.#counts[stored(task)] += 1
    entry.task = task
    if (!isFinal(task.state)) return
    entry.endings += 1
    this.#finished.push(entry)
    const { count } = this.#retention
    if (count !== undefined) while (this.#finishedCount() > count && this.#forgetOldest()) continue
  }

  remove(entry: Entry): void {
    if (entry.removed) return
    entry.removed = true
    this.#entries.delete(entry.task.id)
    this.#counts[stored(entry.task)] -= 1
    this.#finishedRemoved += entry.endings
    if (isGreaterPart(this.#finishedRemoved, this.#finished.length)) {
      this.#finished.keep(({ removed }) => !removed)
      this.#finishedRemoved = 0
    }
    this.#removed += 1
    if (!isGreaterPart(this.#removed, this.#order.length)) return
    this.#order = this.#order.filter(({ removed }) => !removed)
    this.#removed = 0
  }

  /** Lets go of the finished tasks that are older than retention allows. */
  expire(now: number): void {
    const { age } = this.#retention
    if (age === undefined) return
    for (;;) {
      const oldest = this.#finished.peek()
      if (!oldest) return
      const { completedAt } = oldest.task
      // One that ended again stands further back too, and does not keep those between from going.
      const isLast = !oldest.removed && oldest.endings === 1
      if (isLast && completedAt !== undefined && completedAt + age > now) return
      this.#forgetOldest()
    }
  }

  counts(): Readonly<Record<StoredState, number>> {
    return { ...this.#counts }
  }

  list(query: TaskQuery): TaskPage {
    const tasks: Task[] = []
    let end = query.cursor ? this.#firstAfter(query.cursor.createdAt) : this.#order.length
    while (end > 0 && tasks.length <= query.limit) {
      const start = this.#startOfMoment(end)
      const moment = this.#order.slice(start, end).filter((entry) => !entry.removed && matches(entry.task, query))
      tasks.push(...moment.map(({ task }) => task).sort((a, b) => compareIds(b.id, a.id)))
      end = start
    }
    const page = tasks.slice(0, query.limit)
    const last = page.at(-1)
    return tasks.length > query.limit && last
      ? { tasks: page, cursor: { createdAt: last.createdAt, id: last.id } }
      : { tasks: page }
  }

  #finishedCount(): number {
    return this.#counts.DONE + this.#counts.ERROR + this.#counts.CANCELLED
  }

  /** False when there is none. */
  #forgetOldest(): boolean {
    const entry = this.#finished.shift()
    if (!entry) return false
    entry.endings -= 1
    if (entry.removed) this.#finishedRemoved -= 1
    if (entry.endings === 0 && isFinal(entry.task.state)) this.remove(entry)
    return true
  }

  /** Where those created at the same time as the one before `end` begin. */
  #startOfMoment(end: number): number {
    const createdAt = this.#order[end - 1]?.task.createdAt
    let start = end - 1
    while (start > 0 && this.#order[start - 1]?.task.createdAt === createdAt) start -= 1
    return start
  }

  /** The position of the first entry created after this time. */
  #firstAfter(createdAt: number): number {
    let [low, high] = [0, this.#order.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const entry = this.#order[middle]
      if (entry && entry.task.createdAt <= createdAt) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Whether a list is worth going through for what it need not hold: each item is looked at a bounded number of times on average. */
export function isGreaterPart(part: number, whole: number): boolean {
  return part >= 1024 && part * 2 >= whole
}

function matches(task: Task, query: TaskQuery): boolean {
  return (
    (query.states === undefined || query.states.includes(stored(task))) &&
    (query.name === undefined || task.name === query.name) &&
    (query.group === undefined || task.group === query.group) &&
    (query.parentId === undefined || task.parentId === query.parentId) &&
    (query.cursor === undefined || isBefore(task, query.cursor))
  )
}

function isBefore(task: Task, cursor: TaskCursor): boolean {
  return (
    task.createdAt < cursor.createdAt || (task.createdAt === cursor.createdAt && compareIds(task.id, cursor.id) < 0)
  )
}

/** Brokers never hold a task in state CREATED. */
function stored(task: Task): StoredState {
  return task.state as StoredState
}
