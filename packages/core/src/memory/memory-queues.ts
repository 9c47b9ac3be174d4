import { Delays } from './delays.ts'
import type { Delayed } from './delays.ts'
import { Fifo } from '../fifo.ts'
import { isGreaterPart } from './ledger.ts'
import type { Entry } from './ledger.ts'

/** What can stand in a queue: a task, or bytes that somebody put there and nobody can decode. */
export type Queued = Entry | Uint8Array

interface Lanes {
  readonly ready: Fifo<Queued>
  /** Tasks that have lost a worker before. A consumer holds one of them at most. */
  readonly suspects: Fifo<Entry>
  /** Tasks of this queue that are QUEUED, due or not. */
  size: number
  /** Places in the lanes of tasks that are QUEUED no more. */
  left: number
}

/** Where tasks wait: a lane for the ready and one for the suspects of each queue, and the delays of all. */
export class MemoryQueues {
  readonly #lanes = new Map<string, Lanes>()
  readonly #delays = new Delays()
  readonly #onReady: () => void
  #delayed = 0

  /** `onReady` is called when something can be claimed that could not be before. */
  constructor(onReady: () => void) {
    this.#onReady = onReady
  }

  /** When the next delay is due. */
  get nextDelay(): number | undefined {
    return this.#delays.next
  }

  /** Tasks that wait for a delay or a retry. */
  get delayed(): number {
    return this.#delayed
  }

  /** Puts a QUEUED task where it waits. */
  add(entry: Entry): void {
    const { task } = entry
    this.#of(task.queue).size += 1
    if (task.runAt !== undefined) {
      entry.waiting = 'delays'
      this.#delayed += 1
      this.#delays.add(entry, task.runAt)
    } else this.#makeReady(entry)
  }

  addBytes(queue: string, bytes: Uint8Array): void {
    this.#of(queue).ready.push(bytes)
    this.#onReady()
  }

  /** Tasks that are QUEUED in this queue. */
  size(queue: string): number {
    return this.#lanes.get(queue)?.size ?? 0
  }

  /** To be called when a task stops being QUEUED. */
  left(entry: Entry): void {
    const lanes = this.#of(entry.task.queue)
    lanes.size -= 1
    if (entry.waiting === 'queue') leaveLane(entry, lanes)
    else if (entry.waiting === 'delays') this.#leaveDelays(entry)
  }

  /** Moves what is due into its queue. */
  promote(now: number): void {
    for (;;) {
      const due = this.#delays.takeDue(now)
      if (!due) return
      const { entry } = due
      // Cancelled meanwhile, perhaps delayed anew: this place is an old one.
      if (!isCurrent(due)) continue
      this.#delayed -= 1
      this.#makeReady(entry)
    }
  }

  /** Takes the next of a queue; suspects first where they are wanted, for they have waited longest. */
  take(queue: string, suspects: boolean): Queued | undefined {
    const lanes = this.#lanes.get(queue)
    if (!lanes) return undefined
    return (suspects ? takeQueued(lanes.suspects, lanes) : undefined) ?? takeQueued(lanes.ready, lanes)
  }

  #leaveDelays(entry: Entry): void {
    entry.waiting = undefined
    this.#delayed -= 1
    const places = this.#delays.length
    if (isGreaterPart(places - this.#delayed, places)) this.#delays.keep(isCurrent)
  }

  #makeReady(entry: Entry): void {
    const lanes = this.#of(entry.task.queue)
    const stands = entry.waiting === 'left'
    entry.waiting = 'queue'
    if (stands) lanes.left -= 1
    else if (entry.task.crashes > 0) lanes.suspects.push(entry)
    else lanes.ready.push(entry)
    this.#onReady()
  }

  #of(queue: string): Lanes {
    const known = this.#lanes.get(queue)
    if (known) return known
    const lanes: Lanes = { ready: new Fifo(), suspects: new Fifo(), size: 0, left: 0 }
    this.#lanes.set(queue, lanes)
    return lanes
  }
}

/** Whether a place among the delays is that of a task which waits for that very time. */
function isCurrent({ entry, runAt }: Delayed): boolean {
  return entry.waiting === 'delays' && entry.task.runAt === runAt
}

/** A task that is cancelled keeps its place until its turn comes, or until such places are the greater part. */
function leaveLane(entry: Entry, lanes: Lanes): void {
  entry.waiting = 'left'
  lanes.left += 1
  if (!isGreaterPart(lanes.left, lanes.ready.length + lanes.suspects.length)) return
  lanes.ready.keep(keepsPlace)
  lanes.suspects.keep(keepsPlace)
  lanes.left = 0
}

function keepsPlace(item: Queued): boolean {
  if (item instanceof Uint8Array || item.waiting !== 'left') return true
  item.waiting = undefined
  return false
}

/** The first that is still QUEUED. */
function takeQueued<Item extends Queued>(lane: Fifo<Item>, lanes: Lanes): Item | undefined {
  for (;;) {
    const item = lane.shift()
    if (item === undefined || item instanceof Uint8Array) return item
    const { waiting } = item
    item.waiting = undefined
    if (waiting === 'queue') return item
    lanes.left -= 1
  }
}
