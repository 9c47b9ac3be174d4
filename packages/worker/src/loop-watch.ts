import type { Logger } from '@ds/core'

export interface LoopWatchOptions {
  /** Milliseconds. */
  readonly lease: number
  readonly logger: Logger
  /** The names of the tasks that may have blocked it. */
  readonly suspects: () => readonly string[]
}

/** Notices when the event loop was blocked for more than half a lease, so that renewals came late, and says what to do. */
export class LoopWatch {
  readonly #options: LoopWatchOptions
  readonly #interval: number
  #timer: NodeJS.Timeout | undefined
  #last = 0

  constructor(options: LoopWatchOptions) {
    this.#options = options
    this.#interval = Math.min(1000, options.lease / 10)
  }

  start(): void {
    this.#last = performance.now()
    this.#timer = setInterval(() => this.#look(), this.#interval)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    const blocked = now - this.#last - this.#interval
    this.#last = now
    const { lease, logger, suspects } = this.#options
    if (blocked < lease / 2) return
    const tasks = suspects()
    const who = tasks.length > 0 ? ` while ${tasks.join(', ')} ran` : ''
    logger.warn(
      `The event loop was blocked for ${Math.round(blocked)} ms${who}, so leases of ${lease} ms were renewed late. ` +
        "Set isolation: 'thread' or 'process' on tasks that compute for long",
      { blocked: Math.round(blocked), tasks },
    )
  }
}
