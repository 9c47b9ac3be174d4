import type { Lease, Logger, Renewal, RenewAnswer, Result } from '@ds/core'

/** A delivery whose lease is kept. */
export interface HeldLease {
  readonly lease: Lease
  /** The latest progress; 0 while there is none. */
  readonly progress: number
  onCancelRequested(): void
  onLeaseLost(): void
}

export interface LeaseKeeperOptions {
  readonly renew: (items: readonly Renewal[]) => Promise<Result<RenewAnswer>[]>
  /** Milliseconds; leases are renewed when a third of it has passed. */
  readonly lease: number
  /** Milliseconds that progress may wait for others to travel with. */
  readonly progressInterval: number
  readonly maxItems: number
  readonly logger: Logger
}

/** Milliseconds between two lines about an outage: it is tried again more often than that. */
const WARNING_INTERVAL = 10_000

/**
 * Keeps the leases of everything a worker holds: what runs, and what has ended and is not answered yet. One timer renews all; progress
 * travels with it, and sooner where there is news. Answers tell of leases that were lost and of cancels.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #held = new Set<HeldLease>()
  readonly #news = new Set<HeldLease>()
  #sendingNews = false
  /** The longest lease that was given so far: what a renewal gives. */
  #given = 0
  #renewAt = 0
  #timer: NodeJS.Timeout | undefined
  #newsTimer: NodeJS.Timeout | undefined
  #stopped = false
  #warnedAt = -Infinity

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#wait(this.#interval)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#newsTimer)
  }

  add(held: HeldLease): void {
    this.#held.add(held)
    const { expiresIn } = held.lease
    if (expiresIn > this.#given) this.#given = expiresIn
    // One that was given long before it arrived, or a server that gives less than was asked for.
    if (expiresIn < this.#options.lease * 0.9) this.#renewWithin(expiresIn / 3)
  }

  delete(held: HeldLease): void {
    this.#held.delete(held)
    if (this.#news.size > 0) this.#news.delete(held)
  }

  /** The progress of a delivery has changed. */
  hasNews(held: HeldLease): void {
    this.#news.add(held)
    if (this.#newsTimer || this.#stopped) return
    this.#newsTimer = setTimeout(() => void this.#sendNews(), this.#options.progressInterval)
  }

  /** Sends progress now. */
  flush(held: HeldLease): void {
    this.#news.add(held)
    clearTimeout(this.#newsTimer)
    this.#newsTimer = setTimeout(() => void this.#sendNews(), 0)
  }

  get #interval(): number {
    const { lease } = this.#options
    return (this.#given > 0 ? Math.min(lease, this.#given) : lease) / 3
  }

  #renewWithin(time: number): void {
    if (this.#renewAt <= performance.now() + time) return
    clearTimeout(this.#timer)
    this.#wait(time)
  }

  #wait(time: number): void {
    if (this.#stopped) return
    this.#renewAt = performance.now() + time
    this.#timer = setTimeout(() => void this.#renewAll(), time)
  }

  async #renewAll(): Promise<void> {
    // What is renewed here carries its news along.
    this.#news.clear()
    this.#renewAt = 0
    const started = performance.now()
    const renewed = await this.#renew([...this.#held])
    const wait = renewed ? this.#interval : Math.min(1000, this.#interval / 3)
    this.#wait(Math.max(0, wait - (performance.now() - started)))
  }

  async #sendNews(): Promise<void> {
    this.#newsTimer = undefined
    if (this.#sendingNews) return this.#sendNewsLater()
    this.#sendingNews = true
    const news = [...this.#news].filter((held) => this.#held.has(held))
    this.#news.clear()
    const sent = await this.#renew(news)
    this.#sendingNews = false
    if (!sent) for (const held of news) if (this.#held.has(held)) this.hasNews(held)
  }

  /** One call for news at a time: where the broker is slow, news join. */
  #sendNewsLater(): void {
    if (!this.#stopped) this.#newsTimer = setTimeout(() => void this.#sendNews(), this.#options.progressInterval)
  }

  /** False when the broker could not be reached. */
  async #renew(held: readonly HeldLease[]): Promise<boolean> {
    const { maxItems, renew, logger } = this.#options
    try {
      for (let start = 0; start < held.length; start += maxItems) {
        const batch = held.slice(start, start + maxItems)
        const answers = await renew(batch.map(renewalOf))
        for (const [index, item] of batch.entries()) this.#hear(item, answers[index])
      }
      this.#warnedAt = -Infinity
      return true
    } catch (error) {
      const now = performance.now()
      if (!this.#stopped && now - this.#warnedAt >= WARNING_INTERVAL) {
        this.#warnedAt = now
        logger.warn('Leases could not be renewed, trying again', { held: held.length, error })
      }
      return false
    }
  }

  #hear(held: HeldLease, answer: Result<RenewAnswer> | undefined): void {
    if (!this.#held.has(held) || !answer?.ok) return
    if (answer.value.status === 'lost') {
      this.delete(held)
      held.onLeaseLost()
    } else if (answer.value.cancel) held.onCancelRequested()
  }
}

function renewalOf({ lease, progress }: HeldLease): Renewal {
  return progress > 0 ? { lease, progress } : { lease }
}
