import type { DeliveryLink } from '../context.ts'
import type { FromMember } from './protocol.ts'

/** Milliseconds between two messages about the progress of a task. */
const PROGRESS_INTERVAL = 50

/** What a task in a thread or process tells its worker. */
export class MemberLink implements DeliveryLink {
  readonly #run: number
  readonly #send: (message: FromMember) => void
  #progress = 0
  #sent = 0
  #sentAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #resuming: (() => void)[] = []

  constructor(run: number, send: (message: FromMember) => void) {
    this.#run = run
    this.#send = send
  }

  /** Sent at once where the last message is long ago: a handler that computes leaves no time for timers. */
  report(fraction: number): void {
    this.#progress = fraction
    const wait = this.#sentAt + PROGRESS_INTERVAL - performance.now()
    if (wait <= 0) this.#sendProgress()
    else this.#timer ??= setTimeout(() => this.#sendProgress(), wait)
  }

  flush(): void {
    this.#sendProgress()
    this.#send({ type: 'flush', run: this.#run })
  }

  suspend(): void {
    this.#send({ type: 'suspend', run: this.#run })
  }

  resume(): Promise<void> {
    return new Promise((resolve) => {
      this.#resuming.push(resolve)
      this.#send({ type: 'resume', run: this.#run })
    })
  }

  /** The worker has answered one `resume`; each is answered once. */
  onResumed(): void {
    this.#resuming.shift()?.()
  }

  /** The task has ended. */
  close(): void {
    clearTimeout(this.#timer)
  }

  #sendProgress(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sentAt = performance.now()
    if (this.#progress <= this.#sent) return
    this.#sent = this.#progress
    this.#send({ type: 'progress', run: this.#run, progress: this.#progress })
  }
}
