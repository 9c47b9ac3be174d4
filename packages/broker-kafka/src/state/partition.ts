import { isFinal } from '@ds/core'
import type { StoredState, TaskError, TaskEventType } from '@ds/core'
import { Agenda } from './agenda.ts'
import { Chain } from './chain.ts'
import type { Entry } from './entry.ts'
import { KeptPayloads } from './kept-payloads.ts'

/** Where a record stands. */
export interface Place {
  readonly key: string
  readonly offset: number
  /** When it was appended. */
  readonly at: number
}

/** Bytes that could not be decoded, until the keeper has parked them. */
export interface Garbage extends Place {
  readonly bytes: Buffer
  readonly reason: string
}

/** What a change says besides what the task is now. */
export interface Told {
  readonly event: TaskEventType
  readonly at: number
  readonly error?: TaskError
  readonly requeue?: boolean
}

/** Who hears of what a partition folds. None of these may throw. */
export interface PartitionListener {
  /** A task changed, or came to be. */
  readonly changed: (entry: Entry, told: Told) => void
  /** A task came to be known here. */
  readonly added: (entry: Entry) => void
  /** A task was removed. */
  readonly removed: (entry: Entry) => void
  /** A task is no longer run under this claim. */
  readonly claimEnded: (entry: Entry, claim: string) => void
  /** A record with this nonce was read: the log's answer. */
  readonly answered: (nonce: string, answer: string, entry?: Entry) => void
}

/** Where the tasks of one queue wait. */
export interface Lanes {
  readonly ready: Chain<Entry>
  /** Tasks that have lost a worker before. A consumer holds one of them at most. */
  readonly suspects: Chain<Entry>
  readonly delayed: Agenda<Entry>
}

/** One partition of the state topic, folded: of competing records the first that fits counts. */
export class Partition {
  readonly index: number
  readonly listener: PartitionListener
  readonly entries: Map<string, Entry> = new Map()
  readonly counts: Record<StoredState, number> = { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0 }
  readonly lanes: Map<string, Lanes> = new Map()
  readonly running: Chain<Entry> = new Chain()
  /** Finished and not sealed, in the order in which they ended. */
  readonly unsealed: Chain<Entry> = new Chain()
  readonly sealed: Chain<Entry> = new Chain()
  /** Keys of records that say nothing any more, and when that came to be: the keeper writes tombstones for them, in this order. */
  readonly litter: Map<string, number> = new Map()
  readonly garbage: Map<string, Garbage> = new Map()
  /** Everything below this offset is folded. */
  position = 0

  readonly #kept: KeptPayloads

  constructor(index: number, listener: PartitionListener, kept: KeptPayloads = new KeptPayloads()) {
    this.index = index
    this.listener = listener
    this.#kept = kept
  }

  add(entry: Entry): void {
    this.entries.set(entry.id, entry)
    this.listener.added(entry)
    this.#count(entry, 1)
    this.#enter(entry)
  }

  /** Gives a task its next state. */
  update(entry: Entry, task: Entry['task']): void {
    this.#leave(entry)
    this.#count(entry, -1)
    entry.task = task
    this.#count(entry, 1)
    this.#enter(entry)
  }

  /** Takes a task out, as if it had never been; its records become litter. */
  forget(entry: Entry, at: number): void {
    this.#leave(entry)
    this.#count(entry, -1)
    this.entries.delete(entry.id)
    entry.gone = true
    this.listener.removed(entry)
    for (const key of entry.keys) this.litter.set(key, at)
  }

  /** From here on the seal is all there is of it. */
  seal(entry: Entry, { key, offset, at }: Place): void {
    for (const former of entry.keys) this.litter.set(former, at)
    this.litter.delete(key)
    entry.keys = [key]
    entry.base = key
    entry.argsAt = offset
    if (entry.resultAt !== undefined) entry.resultAt = offset
    entry.sealed = true
    this.sealed.push(entry)
  }

  lanesOf(queue: string): Lanes {
    const known = this.lanes.get(queue)
    if (known) return known
    const lanes: Lanes = { ready: new Chain(), suspects: new Chain(), delayed: new Agenda() }
    this.lanes.set(queue, lanes)
    return lanes
  }

  /** Lets those of a queue wait among the ready whose time has come. */
  promote(queue: string, now: number): Lanes | undefined {
    const lanes = this.lanes.get(queue)
    for (const entry of lanes?.delayed.takeDue(now) ?? []) this.#makeReady(entry)
    return lanes
  }

  /** How many of the QUEUED wait for their time. */
  delayedCount(now: number): number {
    let count = 0
    for (const queue of this.lanes.keys()) count += this.promote(queue, now)?.delayed.length ?? 0
    return count
  }

  /** Puts back what was taken out of its lane to be claimed and was not. */
  wait(entry: Entry, now: number): void {
    if (entry.task.state !== 'QUEUED' || this.entries.get(entry.id) !== entry) return
    if (entry.chain !== undefined || entry.dueAt !== undefined) return
    const { runAt } = entry.task
    if (runAt !== undefined && runAt > now) {
      entry.dueAt = runAt
      this.lanesOf(entry.task.queue).delayed.add(entry, runAt)
    } else this.#makeReady(entry)
  }

  #enter(entry: Entry): void {
    const { state, runAt, queue } = entry.task
    if (state === 'RUNNING') this.running.push(entry)
    else if (isFinal(state)) {
      ;(entry.sealed ? this.sealed : this.unsealed).push(entry)
      this.#kept.add(entry)
    } else {
      if (runAt === undefined) this.#makeReady(entry)
      else {
        entry.dueAt = runAt
        this.lanesOf(queue).delayed.add(entry, runAt)
      }
    }
  }

  #leave(entry: Entry): void {
    if (entry.dueAt !== undefined) this.lanesOf(entry.task.queue).delayed.remove(entry, entry.dueAt)
    entry.dueAt = undefined
    entry.chain?.remove(entry)
    this.#kept.delete(entry)
  }

  #makeReady(entry: Entry): void {
    entry.dueAt = undefined
    const lanes = this.lanesOf(entry.task.queue)
    if (entry.task.crashes > 0) lanes.suspects.push(entry)
    else lanes.ready.push(entry)
  }

  #count(entry: Entry, by: 1 | -1): void {
    this.counts[entry.task.state as StoredState] += by
  }
}
