import type { Delivery, TaskConsumer } from '@ds/core'
import type { Slots } from './slots.ts'

/** Milliseconds that tasks may follow each other before timers and sockets get a turn. */
const LONGEST_TURN = 10

export interface ReceiveLoopOptions {
  readonly consumer: Pick<TaskConsumer, 'receive'>
  readonly slots: Slots
  /** Takes what was received. Called in the tick it came; must not throw. */
  readonly onDeliveries: (deliveries: readonly Delivery[]) => void
  /** Receiving cannot go on. */
  readonly onFailed: (error: unknown) => void
}

/**
 * Asks for as many deliveries as there are free slots, one call at a time. A slot that gets free is asked for at the end of its tick, so
 * that the outcome that freed it travels with the question.
 */
export class ReceiveLoop {
  readonly #options: ReceiveLoopOptions
  #interrupted = new AbortController()
  #receiving: Promise<void> | undefined
  #scheduled = false
  #stopped = false
  #turn: number | undefined

  constructor(options: ReceiveLoopOptions) {
    this.#options = options
  }

  /** To be called when there may be a free slot. */
  wake(): void {
    if (this.#scheduled || this.#stopped || this.#receiving) return
    this.#scheduled = true
    process.nextTick(receiveAfterTick, this)
  }

  /** Makes a call that is under way return, so that the next one asks for fewer. */
  interrupt(): void {
    if (this.#receiving) this.#interrupted.abort()
  }

  /** Asks no more; resolves when the call under way has returned. What it brings is still handed on. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.interrupt()
    await this.#receiving
  }

  receiveNow(): void {
    this.#scheduled = false
    if (this.#stopped || this.#receiving || this.#yielded()) return
    const max = this.#options.slots.free
    if (max > 0) this.#receiving = this.#receive(max)
  }

  async #receive(max: number): Promise<void> {
    const { consumer, slots, onDeliveries, onFailed } = this.#options
    if (this.#interrupted.signal.aborted) this.#interrupted = new AbortController()
    slots.ask(max)
    try {
      const deliveries = await consumer.receive(max, this.#interrupted.signal)
      slots.take(deliveries.length)
      onDeliveries(deliveries)
    } catch (error) {
      slots.take(0)
      this.#stopped = true
      onFailed(error)
    }
    this.#receiving = undefined
    this.wake()
  }

  /** With a broker that answers within the tick, tasks could follow each other for ever while timers and sockets wait. */
  #yielded(): boolean {
    const now = performance.now()
    if (this.#turn === undefined) {
      this.#turn = now
      setImmediate(() => (this.#turn = undefined))
      return false
    }
    if (now - this.#turn < LONGEST_TURN) return false
    this.#scheduled = true
    setImmediate(receiveNow, this)
    return true
  }
}

/** Outcomes that were handed over in this tick are sent within it; promise jobs come after that. */
function receiveAfterTick(loop: ReceiveLoop): void {
  queueMicrotask(() => loop.receiveNow())
}

function receiveNow(loop: ReceiveLoop): void {
  loop.receiveNow()
}
