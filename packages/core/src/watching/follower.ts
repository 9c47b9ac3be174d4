import { eventOf } from '../events.ts'
import type { TaskEvent, TaskEventType } from '../events.ts'
import type { Task } from '../tasks/task.ts'

/** What a follower tells of its task. None of these may throw. */
export interface FollowerCallbacks {
  /** The task as it is at first, then each change. */
  onNews(event: TaskEvent): void
  /** There is no such task, or no more news of it. */
  onEnd(error: Error): void
}

/**
 * One reader of one task: its snapshot, then live events, with no gap and nothing twice. Events that come before the snapshot wait
 * for it; those it knows of already are dropped by their version.
 */
export class Follower {
  readonly id: string
  readonly #callbacks: FollowerCallbacks
  /** Events that came before the snapshot; undefined afterwards. */
  #early: TaskEvent[] | undefined = []
  #version = 0
  #incarnation = ''

  constructor(id: string, callbacks: FollowerCallbacks) {
    this.id = id
    this.#callbacks = callbacks
  }

  /** Whether it has had its first snapshot. */
  get begun(): boolean {
    return this.#early === undefined
  }

  /** A live event. */
  hear(event: TaskEvent): void {
    if (this.#early) this.#early.push(event)
    else if (event.version > this.#version) this.#tell(event)
  }

  /** The first snapshot. */
  begin(task: Task): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.#incarnation = task.incarnation
    this.#tell(eventOf(snapshotType(task), task, { at: changedAt(task) }))
    for (const event of early) this.hear(event)
  }

  /**
   * A later snapshot. It is news where it is newer than all events so far, or of another life of the id; after a break also where
   * nothing has changed, so that the reader knows of the break.
   */
  refresh(task: Task, afterBreak: boolean): void {
    if (this.#early) return
    const reborn = task.incarnation !== this.#incarnation
    const isNews = task.version > this.#version || (afterBreak && task.version === this.#version)
    if (!reborn && !isNews) return
    this.#incarnation = task.incarnation
    this.#tell(eventOf('ResyncEvent', task, { at: changedAt(task) }))
  }

  end(error: Error): void {
    this.#callbacks.onEnd(error)
  }

  #tell(event: TaskEvent): void {
    this.#version = event.version
    this.#callbacks.onNews(event)
  }
}

/** The event that would have left a task as it is. */
function snapshotType({ state, progress }: Task): TaskEventType {
  switch (state) {
    case 'RUNNING':
      return progress > 0 ? 'ProgressEvent' : 'StartedEvent'
    case 'DONE':
      return 'ResultEvent'
    case 'ERROR':
      return 'ErrorEvent'
    case 'CANCELLED':
      return 'CancelledEvent'
    case 'CREATED':
    case 'QUEUED':
      return 'QueuedEvent'
  }
}

/** When a task last changed, as far as its record tells. */
function changedAt({ completedAt, startedAt, createdAt }: Task): number {
  return completedAt ?? startedAt ?? createdAt
}
