import { BrokerUnavailableError } from '@ds/core'
import { findConsumer } from '../jetstream/durable.ts'
import type { Link } from '../jetstream/link.ts'
import { durableOf, logSubjects, recordSubjects } from '../names.ts'
import type { Names } from '../names.ts'
import type { Queues } from '../records/queues.ts'
import type { DeliveryPlace } from '../jetstream/pull.ts'
import { Tail } from '../jetstream/tail.ts'
import type { Marks } from '../records/marks.ts'
import { TaskView } from './view.ts'

/** Milliseconds without anything new after which a view is given up. */
const PATIENCE = 60_000
const ASK_AGAIN = 1000

interface LiveViewParts {
  readonly link: Link
  readonly names: Names
  readonly queues: Queues
  readonly marks: Marks
}

interface Waiter {
  readonly sequence: number
  readonly resolve: (isReached: boolean) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** The view of all tasks, kept up with the log from the first call that needs it. */
export class LiveView {
  readonly #link: Link
  readonly #names: Names
  readonly #queues: Queues
  readonly #marks: Marks
  readonly #view: TaskView
  readonly #stopWatching: () => void
  #tail: Promise<Tail> | undefined
  #waiters: Waiter[] = []

  constructor({ link, names, queues, marks }: LiveViewParts) {
    this.#link = link
    this.#queues = queues
    this.#names = names
    this.#marks = marks
    this.#view = new TaskView(names)
    this.#stopWatching = link.onBreak(() => this.#reset())
  }

  /** The view with everything in it that anybody has written by now. */
  async upToDate(): Promise<TaskView> {
    let end = Infinity
    for (let waitUntil = performance.now() + PATIENCE; performance.now() < waitUntil;) {
      // Both asked for again and again: a break ends the tail, and the message that was the last one may be taken away before it was read.
      const tail = await this.#start()
      end = Math.min(end, await this.#marks.end())
      const before = tail.last
      if (before >= end || (await this.#reach(end))) return this.#view
      if (tail.last > before) waitUntil = performance.now() + PATIENCE
    }
    throw new BrokerUnavailableError('The view of all tasks does not come up to date')
  }

  close(): void {
    this.#stopWatching()
    this.#reset()
  }

  #start(): Promise<Tail> {
    if (this.#tail) return this.#tail
    const opening = this.#open()
    this.#tail = opening
    opening.catch(() => {
      if (this.#tail === opening) this.#reset()
    })
    return opening
  }

  async #open(): Promise<Tail> {
    const ended = await this.#endOfHistory()
    if (ended > 0) await this.#readHistory(ended)
    return this.#follow({ filter: logSubjects(this.#names), from: ended + 1 })
  }

  /**
   * How far the log is history: entries up to there were taken and acknowledged, so that each of their tasks has a record of its own, and
   * the entries need not be read.
   */
  async #endOfHistory(): Promise<number> {
    const end = await this.#marks.end()
    await this.#queues.discover()
    const floors = this.#queues.known.map((queue) => this.#floorOf(queue))
    return Math.min(end, ...(await Promise.all(floors)))
  }

  /** Each queue is asked by itself: a list of all consumers waits for those that a server which is away holds. */
  async #floorOf(queue: string): Promise<number> {
    const info = await findConsumer(this.#link, this.#names.tasks, durableOf(queue))
    if (!info) return 0
    // What it says of entries that it has not delivered may be behind the stream.
    return info.num_ack_pending === 0 ? info.delivered.stream_seq : info.ack_floor.stream_seq
  }

  /** Reads the records up to a sequence, or to the last of them. */
  async #readHistory(ended: number): Promise<void> {
    const { promise: passed, resolve, reject } = Promise.withResolvers<void>()
    // The connection may break before anybody waits for it.
    passed.catch(() => undefined)
    const stopWatching = this.#link.onBreak(() => reject(brokenOff()))
    let tail: Tail | undefined
    try {
      tail = await this.#follow({ filter: recordSubjects(this.#names), from: 1 }, ({ sequence, pending }) => {
        if (sequence >= ended || pending === 0) resolve()
      })
      if (tail.hasBacklog) await passed
    } finally {
      stopWatching()
      tail?.close()
    }
  }

  #follow(range: { filter: string; from: number }, onPassed?: (place: DeliveryPlace) => void): Promise<Tail> {
    return Tail.open({
      link: this.#link,
      stream: this.#names.tasks,
      ...range,
      onMessage: (message, place) => {
        this.#view.take(message, place.sequence)
        this.#passed(place.sequence)
        onPassed?.(place)
      },
      // It goes on where it was, and misses nothing: a break of the connection is another matter.
      onBreak: () => undefined,
    })
  }

  /** False where the tail has not passed it within a moment. */
  #reach(sequence: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { sequence, resolve, reject, timer: setTimeout(() => this.#giveUp(waiter), ASK_AGAIN) }
      this.#waiters.push(waiter)
    })
  }

  #giveUp(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    waiter.resolve(false)
  }

  #passed(sequence: number): void {
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter((waiter) => waiter.sequence <= sequence)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > sequence)
    for (const { resolve, timer } of reached) {
      clearTimeout(timer)
      resolve(true)
    }
  }

  /** The next call builds the view anew: what was removed while nobody listened has left no trace. */
  #reset(): void {
    this.#tail?.then((tail) => tail.close()).catch(() => undefined)
    this.#tail = undefined
    this.#view.clear()
    const error = brokenOff()
    for (const { reject, timer } of this.#waiters.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }
}

function brokenOff(): BrokerUnavailableError {
  return new BrokerUnavailableError('The connection broke while the view of all tasks came up to date')
}
