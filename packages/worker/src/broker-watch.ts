import type { Broker, Logger } from '@ds/core'

export interface BrokerWatchOptions {
  readonly broker: Pick<Broker, 'address' | 'health'>
  readonly logger: Logger
  /** The part of its time for which this process was busy since the last call, 0 to 1. */
  readonly utilization: () => number
}

/** Milliseconds between two looks at a broker that is well. */
const INTERVAL = 5000
/** The same while it is not, so that its return is told soon. */
const SOON = 1000
/** Milliseconds that bad news must last: a server that is started anew is back sooner. */
const LASTING = 3000
/** The part of its time that this process may be busy for its news to be believed: one that does not listen takes an answer that is there for none. */
const BUSY = 0.5

/**
 * Says when the broker is not well, and when it is again: a worker that waits for tasks waits over an outage without a word. It asks for
 * the broker's health, and believes bad news that lasts, unless this process was too busy itself to hear anything.
 */
export class BrokerWatch {
  readonly #options: BrokerWatchOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #unwellSince: number | undefined
  #told = false

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
    const { broker, utilization } = this.#options
    const problem = await problemOf(broker)
    if (this.#stopped) return
    const wasBusy = utilization() > BUSY
    if (!problem) this.#hearWell()
    else if (wasBusy) this.#unwellSince = undefined
    else this.#hearUnwell(problem)
    this.#lookIn(problem ? SOON : INTERVAL)
  }

  #hearWell(): void {
    const { broker, logger } = this.#options
    if (this.#told) logger.info(`${broker.address} is well again`)
    this.#told = false
    this.#unwellSince = undefined
  }

  /** Told once: however long it lasts, and whatever else fails meanwhile. */
  #hearUnwell({ name, message }: Problem): void {
    this.#unwellSince ??= performance.now()
    if (this.#told || performance.now() - this.#unwellSince < LASTING) return
    this.#told = true
    const { broker, logger } = this.#options
    logger.warn(`${broker.address} is not well: ${message}. The worker goes on trying`, { check: name })
  }
}

interface Problem {
  readonly name: string
  readonly message: string
}

async function problemOf(broker: Pick<Broker, 'health'>): Promise<Problem | undefined> {
  const { ok, checks } = await broker.health()
  if (ok) return undefined
  const { name, message = 'it does not say why' } = checks.find((check) => !check.ok) ?? { name: 'health' }
  return { name, message }
}

/** Tells at each call for which part of the time since the last one the event loop was busy. */
export function utilizationMeter(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const last = before
    before = performance.eventLoopUtilization()
    return performance.eventLoopUtilization(before, last).utilization
  }
}
