import { BrokerUnavailableError } from '@ds/core'
import type { Subscription } from '@nats-io/transport-node'
import { findConsumer } from '../jetstream/durable.ts'
import type { Link } from '../jetstream/link.ts'
import { durableOf, logSubjects, markSubject, recordSubjects, removalSubject } from '../names.ts'
import type { Names } from '../names.ts'
import type { Queues } from '../records/queues.ts'
import type { RemovalNotice } from '../records/records.ts'
import { Tail } from '../jetstream/tail.ts'
import { TaskView } from './view.ts'

const PATIENCE = 60_000

interface LiveViewParts {
  readonly link: Link
  readonly names: Names
  readonly queues: Queues
  readonly process: string
}

interface Waiter {
  readonly sequence: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The view of all tasks, kept up with the log from the first call that needs it. */
export class LiveView {
  readonly #link: Link
  readonly #names: Names
  readonly #queues: Queues
  /** Names this process's own marks. */
  readonly #process: string
  readonly #view: TaskView
  readonly #stopWatching: () => void
  #removals: Subscription | undefined
  #tail: Promise<Tail> | undefined
  #waiters: Waiter[] = []

  constructor({ link, names, queues, process }: LiveViewParts) {
    this.#link = link
    this.#queues = queues
    this.#names = names
    this.#process = process
    this.#view = new TaskView(names)
    this.#stopWatching = link.onBreak(() => this.#reset())
  }

  /** The view with everything in it that anybody has written by now. */
  async upToDate(): Promise<TaskView> {
    const tail = await this.#start()
    const end = await this.#mark()
    if (tail.last < end) await this.#reach(end)
    return this.#view
  }

  /** Sequence of a message that is written now, among the records. */
  async #mark(): Promise<number> {
    const subject = markSubject(this.#names, this.#process)
    return (await this.#link.call('marking the log', () => this.#link.js.publish(subject, ''))).seq
  }

  /** Takes note of a removal by this process itself. */
  forget({ id, revision }: RemovalNotice): void {
    if (this.#tail) this.#view.drop(id, revision)
  }

  close(): void {
    this.#stopWatching()
    this.#reset()
  }

  #start(): Promise<Tail> {
    this.#tail ??= this.#open().catch((error: unknown) => {
      this.#reset()
      throw error
    })
    return this.#tail
  }

  async #open(): Promise<Tail> {
    this.#removals = this.#link.subscribe(removalSubject(this.#names), ({ data }) => {
      const notice = noticeIn(data)
      if (notice) this.#view.drop(notice.id, notice.revision)
    })
    const ended = await this.#endOfHistory()
    if (ended > 0) await this.#readHistory(ended)
    return this.#follow({ filter: logSubjects(this.#names), from: ended + 1 })
  }

  /**
   * How far the log is history: entries up to there were taken and acknowledged, so that each of their tasks has a record of its own, and
   * the entries need not be read.
   */
  async #endOfHistory(): Promise<number> {
    const end = await this.#mark()
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

  /** Reads the records up to a sequence that one of them has passed, or the mark that was set last. */
  async #readHistory(ended: number): Promise<void> {
    const { promise: passed, resolve, reject } = Promise.withResolvers<void>()
    const stopWatching = this.#link.onBreak(() => reject(brokenOff()))
    const tail = await this.#follow({ filter: recordSubjects(this.#names), from: 1 }, (sequence) => {
      if (sequence >= ended) resolve()
    })
    try {
      await passed
    } finally {
      stopWatching()
      tail.close()
    }
  }

  #follow(range: { filter: string; from: number }, onPassed?: (sequence: number) => void): Promise<Tail> {
    return Tail.open({
      link: this.#link,
      stream: this.#names.tasks,
      ...range,
      onMessage: (message, sequence) => {
        this.#view.take(message, sequence)
        this.#passed(sequence)
        onPassed?.(sequence)
      },
      // It goes on where it was, and misses nothing: a break of the connection is another matter.
      onBreak: () => undefined,
    })
  }

  async #reach(sequence: number): Promise<void> {
    let late: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push({ sequence, resolve, reject })
        late = setTimeout(() => {
          reject(new BrokerUnavailableError('The view of all tasks did not come up to date in time'))
        }, PATIENCE)
      })
    } finally {
      clearTimeout(late)
    }
  }

  #passed(sequence: number): void {
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter((waiter) => waiter.sequence <= sequence)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > sequence)
    for (const { resolve } of reached) resolve()
  }

  /** The next call builds the view anew: what was removed while nobody listened has left no trace. */
  #reset(): void {
    this.#removals?.unsubscribe()
    this.#removals = undefined
    this.#tail?.then((tail) => tail.close()).catch(() => undefined)
    this.#tail = undefined
    this.#view.clear()
    const error = brokenOff()
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }
}

function brokenOff(): BrokerUnavailableError {
  return new BrokerUnavailableError('The connection broke while the view of all tasks came up to date')
}

/** A notice that cannot be read is as one that got lost: the next page that holds the task finds it gone. */
function noticeIn(bytes: Uint8Array): RemovalNotice | undefined {
  try {
    const { id, revision } = JSON.parse(Buffer.from(bytes).toString()) as Partial<RemovalNotice>
    return typeof id === 'string' && typeof revision === 'number' ? { id, revision } : undefined
  } catch {
    return undefined
  }
}
