import type { Retention } from '@ds/core'
import type { Connection } from './connection.ts'
import { MEND, SWEEP } from './lua/index.ts'

const SWEEP_INTERVAL = 1000
const SWEPT_AT_ONCE = 200
/** How long events are kept for a reader that lags. Milliseconds. */
const EVENTS_KEPT = 5000
/** Looks at the places of so many tasks a sweep, to find those that somebody has taken out of their queue. */
const MENDED_AT_ONCE = 50

/**
 * What every broker does for its namespace while it is connected, a bounded number of tasks at a time: let go of finished tasks past
 * their retention, and put back what has lost its place. Of several one does it; which one does not matter.
 */
export class Housekeeper {
  readonly #connection: Connection
  readonly #retention: Retention
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  /** Where the slow pass is: among the tasks that wait, or those that run. */
  #pass: { code: 1 | 2; rank: number } = { code: 1, rank: 0 }

  constructor(connection: Connection, retention: Retention) {
    this.#connection = connection
    this.#retention = retention
  }

  start(): void {
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#stopped) return
    const wait = SWEEP_INTERVAL * (0.8 + 0.4 * Math.random())
    this.#timer = setTimeout(() => void this.#sweep().finally(() => this.#schedule()), wait)
    this.#timer.unref()
  }

  async #sweep(): Promise<void> {
    const { age = '', count = '' } = this.#retention
    let interval: number | '' = SWEEP_INTERVAL / 2
    try {
      for (;;) {
        const more = (await this.#connection.run(SWEEP, [interval, age, count, SWEPT_AT_ONCE, EVENTS_KEPT])) as number
        if (more === -1) return
        if (more === 0 || this.#stopped) break
        interval = ''
      }
      await this.#mend()
    } catch {
      // An outage: the next one goes on.
    }
  }

  async #mend(): Promise<void> {
    const { code, rank } = this.#pass
    const next = (await this.#connection.run(MEND, [code, rank, MENDED_AT_ONCE])) as number
    this.#pass = next > 0 ? { code, rank: next } : { code: code === 1 ? 2 : 1, rank: 0 }
  }
}
