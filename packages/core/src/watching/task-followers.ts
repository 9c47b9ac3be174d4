import type { Batcher } from '../batcher.ts'
import type { EventFeed, FeedListener } from './event-feed.ts'
import { UnknownTaskError } from '../errors.ts'
import type { TaskEvent } from '../events.ts'
import type { Follower } from './follower.ts'
import type { Task } from '../tasks/task.ts'
import { throughOutage } from '../through-outage.ts'

/** Reads tasks by id; what is asked for in one tick travels together. */
export type TaskReader = Pick<Batcher<string, Task | undefined>, 'send'>

/** How often tasks that are waited for are looked at although no event came, in milliseconds, and how many at a time. */
const LOOK_EVERY = 5000
const LOOK_AT_MOST = 1000

/**
 * All readers of single tasks, by task id. Beside the events they are told what the store says: after a break at once, and every
 * few seconds in any case, so that nobody waits for ever for an event that went missing.
 */
export class TaskFollowers implements FeedListener {
  readonly #feed: EventFeed
  readonly #reader: TaskReader
  readonly #byId = new Map<string, Follower[]>()
  readonly #closing = new AbortController()
  #live: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #lookFrom = 0

  constructor(feed: EventFeed, reader: TaskReader) {
    this.#feed = feed
    this.#reader = reader
  }

  /** Begins to tell a follower of its task. It ends with an error where there is no such task. */
  async add(follower: Follower): Promise<void> {
    const others = this.#byId.get(follower.id)
    if (others) others.push(follower)
    else this.#byId.set(follower.id, [follower])
    this.#live ??= this.#start()
    try {
      await this.#live
      const task = await throughOutage(() => this.#reader.send(follower.id), this.#closing.signal)
      if (!this.#follows(follower)) return
      if (task) follower.begin(task)
      else this.#end(follower, new UnknownTaskError(follower.id))
    } catch (error) {
      if (this.#follows(follower)) this.#end(follower, error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Tells a follower no more. */
  delete(follower: Follower): void {
    const followers = this.#byId.get(follower.id)
    const index = followers?.indexOf(follower) ?? -1
    if (!followers || index < 0) return
    if (followers.length > 1) followers.splice(index, 1)
    else this.#byId.delete(follower.id)
    if (this.#byId.size === 0) this.#stop()
  }

  close(): void {
    this.#closing.abort()
  }

  onEvent(event: TaskEvent): void {
    const followers = this.#byId.get(event.taskId)
    if (!followers) return
    // A follower that has heard enough takes itself off the list.
    if (followers.length === 1) followers[0]?.hear(event)
    else for (const follower of [...followers]) follower.hear(event)
  }

  onResync(): void {
    // Where this cannot be read, the looks that follow tell.
    this.#lookAt([...this.#byId.keys()], true).catch(() => undefined)
  }

  onEnd(error: Error): void {
    const all = [...this.#byId.values()].flat()
    this.#byId.clear()
    this.#stop()
    for (const follower of all) follower.end(error)
  }

  #start(): Promise<void> {
    this.#timer = setInterval(() => void this.#lookAround(), LOOK_EVERY)
    return this.#feed.add(this)
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#live = undefined
    this.#feed.delete(this)
  }

  /** The next of all tasks that are followed, a bounded number at a time. */
  async #lookAround(): Promise<void> {
    const ids = [...this.#byId.keys()]
    if (this.#lookFrom >= ids.length) this.#lookFrom = 0
    const some = ids.slice(this.#lookFrom, this.#lookFrom + LOOK_AT_MOST)
    this.#lookFrom += some.length
    // Over an outage the next look does.
    await this.#lookAt(some, false).catch(() => undefined)
  }

  async #lookAt(ids: readonly string[], afterBreak: boolean): Promise<void> {
    const look = async (id: string): Promise<void> => {
      const read = (): Promise<Task | undefined> => this.#reader.send(id)
      const task = await (afterBreak ? throughOutage(read, this.#closing.signal) : read())
      for (const follower of [...(this.#byId.get(id) ?? [])]) {
        if (task) follower.refresh(task, afterBreak)
        else if (follower.begun) this.#end(follower, new UnknownTaskError(id))
      }
    }
    await Promise.all(ids.map(look))
  }

  #follows(follower: Follower): boolean {
    return this.#byId.get(follower.id)?.includes(follower) ?? false
  }

  #end(follower: Follower, error: Error): void {
    this.delete(follower)
    follower.end(error)
  }
}
