/** How often it looks, in milliseconds. */
const INTERVAL = 250
/** When a look comes so late, the process itself stood still, in milliseconds. */
const STANDSTILL = 1000

/** Looks again and again for calls that have waited too long. A process that stood still reads first what came meanwhile. */
export class Sweeper {
  readonly #look: (now: number) => void
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0

  constructor(look: (now: number) => void) {
    this.#look = look
  }

  open(): void {
    this.#lookedAt = Date.now()
    this.#timer = setInterval(() => this.#sweep(), INTERVAL)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(): void {
    const now = Date.now()
    const stoodStill = now - this.#lookedAt > STANDSTILL
    this.#lookedAt = now
    if (!stoodStill) this.#look(now)
  }
}
