import { PROMOTE_INTERVAL, REAP_INTERVAL } from './capabilities.ts'
import type { Connection } from './connection.ts'
import { PROMOTE, REAP } from './lua/index.ts'

const PROMOTED_AT_ONCE = 500
const REAPED_AT_ONCE = 200
/** How long a consumer that holds nothing stays in the server's lists without a sign of life. Milliseconds. */
const CONSUMER_KEPT = 600_000

/**
 * What every consumer does for its queues: move due delays in, and end leases that have run out. There is no leader and no lock; several
 * doing it at once do no harm.
 */
export class Upkeep {
  readonly #connection: Connection
  readonly #queues: readonly string[]
  readonly #lease: number
  readonly #timers = new Map<() => Promise<number>, NodeJS.Timeout>()
  #stopped = false
  /** Since when the server has answered without a break, by this process's clock. */
  #contactSince: number
  #lastLookAt: number
  #cuts: number

  /** `uptime` is for how long the server had run when this process met it: nobody can have renewed before that. */
  constructor(connection: Connection, queues: readonly string[], { lease, uptime }: { lease: number; uptime: number }) {
    this.#connection = connection
    this.#queues = queues
    this.#lease = lease
    this.#contactSince = Date.now() - Math.min(lease, uptime)
    this.#lastLookAt = Date.now()
    this.#cuts = connection.cuts
  }

  start(): void {
    this.#schedule(this.#promote, PROMOTE_INTERVAL)
    this.#schedule(this.#reap, REAP_INTERVAL * Math.random())
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #schedule(job: () => Promise<number>, wait: number): void {
    if (this.#stopped) return
    this.#timers.set(
      job,
      setTimeout(() => void job().then((next) => this.#schedule(job, next)), wait),
    )
  }

  readonly #promote = async (): Promise<number> => {
    try {
      const wait = (await this.#connection.run(PROMOTE, [PROMOTED_AT_ONCE, ...this.#queues])) as number
      return wait < 0 ? PROMOTE_INTERVAL : Math.min(wait, PROMOTE_INTERVAL)
    } catch {
      return PROMOTE_INTERVAL
    }
  }

  readonly #reap = async (): Promise<number> => {
    try {
      if (this.#hadContact()) for (const queue of this.#queues) await this.#reapQueue(queue)
      else await this.#connection.call('ping')
      this.#noteLook()
    } catch {
      this.#contactSince = Date.now()
    }
    return REAP_INTERVAL * (0.8 + 0.4 * Math.random())
  }

  async #reapQueue(queue: string): Promise<void> {
    let interval: number | '' = REAP_INTERVAL / 2
    for (;;) {
      const reaped = (await this.#connection.run(REAP, [queue, interval, REAPED_AT_ONCE, CONSUMER_KEPT])) as number
      if (reaped < REAPED_AT_ONCE || this.#stopped) return
      interval = ''
    }
  }

  /**
   * While the server was away nobody could renew, and its clock went on. So after a break every lease is given its whole time again before anybody
   * ends one.
   */
  #hadContact(): boolean {
    if (this.#connection.cuts !== this.#cuts) {
      this.#cuts = this.#connection.cuts
      this.#contactSince = Date.now()
    }
    return Date.now() - this.#contactSince >= this.#lease
  }

  /** A look that came late counts as a break: the server, or this process, stood still meanwhile. */
  #noteLook(): void {
    const now = Date.now()
    if (now - this.#lastLookAt > REAP_INTERVAL + Math.max(1000, this.#lease / 3)) this.#contactSince = now
    this.#lastLookAt = now
  }
}
