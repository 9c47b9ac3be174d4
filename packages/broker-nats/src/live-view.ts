import { BrokerUnavailableError } from '@ds/core'
import type { Link } from './link.ts'
import { markSubject } from './names.ts'
import type { Names } from './names.ts'
import { Tail } from './tail.ts'
import { TaskView } from './view.ts'

/** A break longer than this, and marks of removed tasks may be gone unseen. */
const LONGEST_BREAK = 5000
const PATIENCE = 60_000

interface Waiter {
  readonly sequence: number
  readonly resolve: () => void
}

/** The view of all tasks, kept up with the log from the first call that needs it. */
export class LiveView {
  readonly #link: Link
  readonly #names: Names
  /** Names this process's own marks. */
  readonly #process: string
  readonly #view: TaskView
  readonly #stopWatching: (() => void)[]
  #tail: Promise<Tail> | undefined
  #waiters: Waiter[] = []
  #brokenAt: number | undefined

  constructor({ link, names, process }: { link: Link; names: Names; process: string }) {
    this.#link = link
    this.#names = names
    this.#process = process
    this.#view = new TaskView(names.root)
    this.#stopWatching = [
      link.onBreak(() => (this.#brokenAt ??= performance.now())),
      link.onReturn(() => void this.#afterBreak()),
    ]
  }

  /** The view with everything in it that anybody has written by now. */
  async upToDate(): Promise<TaskView> {
    const tail = await this.#start()
    const subject = markSubject(this.#names, this.#process)
    const { seq } = await this.#link.call('marking the log', () => this.#link.js.publish(subject, ''))
    if (tail.last < seq) await this.#reach(seq)
    return this.#view
  }

  async close(): Promise<void> {
    for (const stop of this.#stopWatching) stop()
    const tail = this.#tail
    this.#tail = undefined
    await tail?.then((open) => open.close()).catch(() => undefined)
  }

  #start(): Promise<Tail> {
    this.#tail ??= Tail.open({
      link: this.#link,
      stream: this.#names.tasks,
      // Four tokens: records, and the marks that tell how far it has come.
      filter: `${this.#names.root}.*.*`,
      from: 'all',
      onMessage: (message, sequence) => {
        this.#view.take(message, sequence)
        this.#passed(sequence)
      },
      onBreak: () => undefined,
    }).catch((error: unknown) => {
      this.#tail = undefined
      throw error
    })
    return this.#tail
  }

  #reach(sequence: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter)
        reject(new BrokerUnavailableError('The view of all tasks did not come up to date in time'))
      }, PATIENCE)
      const waiter: Waiter = {
        sequence,
        resolve: () => {
          clearTimeout(late)
          resolve()
        },
      }
      this.#waiters.push(waiter)
    })
  }

  #passed(sequence: number): void {
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter((waiter) => waiter.sequence <= sequence)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > sequence)
    for (const { resolve } of reached) resolve()
  }

  /** The tail goes on where it was. After a long break the view begins again, for what was removed meanwhile leaves no trace. */
  async #afterBreak(): Promise<void> {
    const brokenFor = this.#brokenAt === undefined ? 0 : performance.now() - this.#brokenAt
    this.#brokenAt = undefined
    if (this.#tail === undefined || brokenFor < LONGEST_BREAK) return
    const old = this.#tail
    this.#tail = undefined
    this.#view.clear()
    await old.then((tail) => tail.close()).catch(() => undefined)
  }
}
