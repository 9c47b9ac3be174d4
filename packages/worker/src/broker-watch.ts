import type { Broker, HealthCheck, Logger } from '@ds/core'

export interface BrokerWatchOptions {
  readonly broker: Pick<Broker, 'address' | 'health'>
  /** When the event loop was last blocked, by `performance.now()`: a process that was deaf takes an answer that is there for none. */
  readonly deafUntil: () => number
  readonly logger: Logger
}

/** Milliseconds between two looks at a broker that is well. */
const INTERVAL = 5000
/** The same while it is not, so that its return is told soon. */
const SOON = 1000

/**
 * Says when the broker is not well, and when it is again: a worker that waits for tasks waits over an outage without a word. It asks for
 * the broker's health, and believes bad news the second time, and if its own event loop was not blocked meanwhile.
 */
export class BrokerWatch {
  readonly #options: BrokerWatchOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #lookedAt = 0
  /** Looks in a row that found it unwell. */
  #unwell = 0

  constructor(options: BrokerWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#lookIn(INTERVAL)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #lookIn(time: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#look(), time)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const { broker, deafUntil } = this.#options
    const lookedBefore = this.#lookedAt
    this.#lookedAt = performance.now()
    const { ok, checks } = await broker.health()
    if (this.#stopped) return
    if (ok) this.#hearWell()
    else if (deafUntil() < lookedBefore) this.#hearUnwell(checks)
    this.#lookIn(ok ? INTERVAL : SOON)
  }

  #hearWell(): void {
    const { broker, logger } = this.#options
    if (this.#unwell > 1) logger.info(`${broker.address} is well again`)
    this.#unwell = 0
  }

  /** Told once: however long it lasts, and whatever else fails meanwhile. */
  #hearUnwell(checks: readonly HealthCheck[]): void {
    this.#unwell += 1
    if (this.#unwell !== 2) return
    const { name, message = 'it does not say why' } = checks.find(({ ok }) => !ok) ?? { name: 'health' }
    const { broker, logger } = this.#options
    logger.warn(`${broker.address} is not well: ${message}. The worker waits for it`, { check: name })
  }
}
