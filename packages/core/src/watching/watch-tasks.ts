import type { Broker } from '../broker/broker.ts'
import type { EventFeed, FeedListener } from './event-feed.ts'
import { eventOf, matchesFilter } from '../events.ts'
import type { EventFilter, TaskEvent } from '../events.ts'
import type { TaskReader } from './task-followers.ts'
import { isFinal } from '../tasks/task.ts'
import type { Task } from '../tasks/task.ts'
import { throughOutage } from '../through-outage.ts'
import { Watch } from './watch.ts'
import type { WatchOptions, WatchSource } from './watch.ts'

/** Where the events and the snapshots of a watch come from. */
export interface WatchSupply {
  readonly feed: EventFeed
  readonly broker: Broker
  readonly reader: TaskReader
}

/** Tasks that a watch remembers as not ended, and tasks it looks for that came and went during a break. */
const REMEMBERED = 10_000
const CAME_AND_WENT = 1000
const PAGE = 200

/** A loop over the events of all tasks that match. It goes on until it is left. */
export function watchTasks(supply: WatchSupply, filter: EventFilter, options: WatchOptions): Watch {
  return new Watch(new ManyTasks(supply, filter), options)
}

class ManyTasks implements WatchSource, FeedListener {
  readonly #supply: WatchSupply
  readonly #filter: EventFilter
  readonly #ending = new AbortController()
  /** The versions last told of tasks that had not ended, the longest unheard of first. */
  readonly #active = new Map<string, number>()
  /** The time of the newest event, and the versions of tasks that ended at that very time: they need not be told again. */
  #heardAt: number | undefined
  readonly #endedAt = new Map<string, number>()
  #watch: Watch | undefined

  constructor(supply: WatchSupply, filter: EventFilter) {
    this.#supply = supply
    this.#filter = filter
  }

  start(watch: Watch): void {
    this.#watch = watch
    this.#supply.feed.add(this).catch((error: Error) => watch.end(error))
  }

  stop(): void {
    this.#ending.abort()
    this.#supply.feed.delete(this)
  }

  onEvent(event: TaskEvent): void {
    if (matchesFilter(event, this.#filter)) this.#watch?.push(event)
  }

  onResync(): void {
    this.#watch?.resync()
  }

  onEnd(error: Error): void {
    this.#watch?.end(error)
  }

  accepts(event: TaskEvent): boolean {
    if (event.version <= this.#toldOf(event)) return false
    this.#remember(event)
    return true
  }

  /** The version last told of an event's task; 0 where it is of a later life of the id, whose versions begin again. */
  #toldOf({ taskId, createdAt }: Pick<TaskEvent, 'taskId' | 'createdAt'>): number {
    const isLater = this.#heardAt !== undefined && createdAt > this.#heardAt
    return this.#active.get(taskId) ?? (isLater ? undefined : this.#endedAt.get(taskId)) ?? 0
  }

  /** The tasks that had not ended when they were last heard of, and those created since the last event, as they are now. */
  async readAgain(): Promise<TaskEvent[]> {
    const { reader } = this.#supply
    const known = [...this.#active.keys()]
    const read = (id: string): Promise<Task | undefined> => throughOutage(() => reader.send(id), this.#ending.signal)
    const recent = await this.#createdSince(this.#heardAt)
    const untold = recent.filter(({ id: taskId, createdAt }) => this.#toldOf({ taskId, createdAt }) === 0)
    const tasks = [...(await Promise.all(known.map(read))), ...untold]
    return tasks.flatMap((task) => {
      if (!task || task.version < (this.#active.get(task.id) ?? 0)) return []
      const event = eventOf('ResyncEvent', task, { at: task.completedAt ?? task.startedAt ?? task.createdAt })
      this.#remember(event)
      return [event]
    })
  }

  #remember(event: TaskEvent): void {
    if (this.#heardAt === undefined || event.createdAt > this.#heardAt) {
      this.#heardAt = event.createdAt
      this.#endedAt.clear()
    }
    this.#active.delete(event.taskId)
    if (isFinal(event.state)) return void this.#endedAt.set(event.taskId, event.version)
    this.#active.set(event.taskId, event.version)
    if (this.#active.size <= REMEMBERED) return
    const [oldest] = this.#active.keys()
    if (oldest !== undefined) this.#active.delete(oldest)
  }

  /** Newest first, so the search ends where the break began. */
  async #createdSince(time: number | undefined): Promise<Task[]> {
    const tasks: Task[] = []
    let query = { ...this.#filter, limit: PAGE }
    while (time !== undefined && tasks.length < CAME_AND_WENT) {
      const page = await throughOutage(() => this.#supply.broker.list(query), this.#ending.signal)
      tasks.push(...page.tasks.filter(({ createdAt }) => createdAt >= time))
      if (!page.cursor || page.cursor.createdAt < time) return tasks
      query = { ...query, ...{ cursor: page.cursor } }
    }
    return tasks
  }
}
