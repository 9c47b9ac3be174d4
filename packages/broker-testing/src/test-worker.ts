import { randomUUID } from 'node:crypto'
import { Batcher } from '@ds/core'
import type { Broker, Delivery, Outcome, RenewAnswer, Result, SettleAnswer, Settlement, TaskConsumer } from '@ds/core'

/** What a {@link TestWorker} receives, and what it does with it. */
export interface TestWorkerOptions {
  readonly broker: Broker
  readonly queues: readonly string[]
  /** Deliveries that run at once. */
  readonly concurrency: number
  /** Milliseconds. Renewed every third of it. */
  readonly lease: number
  /** Runs one delivery and says how it ended. What it throws is an `error`. The signal fires on a cancel and on a lost lease. */
  readonly handle: (delivery: Delivery, signal: AbortSignal) => Outcome | Promise<Outcome>
  /** Called with what the broker answered to each settlement. */
  readonly onSettled?: (delivery: Delivery, answer: Result<SettleAnswer>) => void
}

interface Held {
  readonly delivery: Delivery
  readonly abort: AbortController
}

/**
 * The smallest worker that keeps the contract: it receives into free slots, renews what it holds, settles what has ended, and
 * waits over outages because receive and settle do. Cases use it for everything that is not about single steps.
 */
export class TestWorker {
  readonly #options: TestWorkerOptions
  readonly #consumer: TaskConsumer
  readonly #held = new Map<string, Held>()
  readonly #stopping = new AbortController()
  readonly #settler: Batcher<Settlement, SettleAnswer>
  readonly #renewal: NodeJS.Timeout
  readonly #loop: Promise<void>
  #running = 0
  #abandoned = false
  #onFree: (() => void) | undefined
  /** Why it stopped by itself. */
  failure: Error | undefined
  /** The most it has held at once: running, and settled without an answer yet. */
  mostHeld = 0

  private constructor(options: TestWorkerOptions, consumer: TaskConsumer) {
    this.#options = options
    this.#consumer = consumer
    this.#settler = new Batcher({
      send: (settlements) => consumer.settle(settlements),
      limits: options.broker.capabilities.batch,
    })
    this.#renewal = setInterval(() => void this.#renew(), options.lease / 3)
    this.#loop = this.#receiveAll()
  }

  /**
   * Joins the workers of its queues and begins to receive.
   * @throws BrokerUnavailableError and whatever else `openConsumer` rejects with
   */
  static async start(options: TestWorkerOptions): Promise<TestWorker> {
    const { broker, queues, lease } = options
    const running: { worker?: TestWorker } = {}
    const consumer = await broker.openConsumer({
      queues,
      workerId: `worker-${randomUUID()}`,
      lease,
      onCancel: ({ taskId }) => running.worker?.cancel(taskId),
    })
    running.worker = new TestWorker(options, consumer)
    return running.worker
  }

  /** Claimed and not settled for good. */
  get inFlight(): number {
    return this.#held.size
  }

  /** Its membership, for cases that settle or drain by hand. */
  get consumer(): TaskConsumer {
    return this.#consumer
  }

  /** What the broker's broadcast and renewals do: the handler's signal fires. */
  cancel(taskId: string): void {
    this.#held.get(taskId)?.abort.abort('cancelled')
  }

  /** Receives no more, ends what it holds, and leaves. Rejects when it had stopped by itself. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await this.#settler.idle()
    clearInterval(this.#renewal)
    await this.#consumer.close()
    if (this.failure !== undefined) throw this.failure
  }

  /** As if its process had died: nothing is renewed or settled any more. Gives how many tasks it held. */
  async abandon(): Promise<number> {
    const held = this.#held.size
    this.#abandoned = true
    clearInterval(this.#renewal)
    this.#stopping.abort()
    await this.#consumer.close()
    return held
  }

  async #receiveAll(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) await this.#receiveSome()
      while (this.#running > 0 && !this.#abandoned) await this.#slot()
    } catch (error) {
      if (!this.#abandoned) this.failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  async #receiveSome(): Promise<void> {
    const free = this.#options.concurrency - this.#running
    if (free === 0) return this.#slot()
    for (const delivery of await this.#consumer.receive(free, this.#stopping.signal)) void this.#execute(delivery)
  }

  #slot(): Promise<void> {
    return new Promise((resolve) => (this.#onFree = resolve))
  }

  async #execute(delivery: Delivery): Promise<void> {
    const { id } = delivery.task
    const held: Held = { delivery, abort: new AbortController() }
    this.#held.set(id, held)
    this.mostHeld = Math.max(this.mostHeld, this.#held.size)
    this.#running += 1
    const outcome = await this.#outcome(held)
    if (this.#abandoned) return
    this.#settler.add({ lease: delivery.lease, outcome }, (answer) => {
      if (this.#held.get(id) === held) this.#held.delete(id)
      this.#options.onSettled?.(delivery, answer)
    })
    this.#running -= 1
    this.#onFree?.()
  }

  async #outcome({ delivery, abort }: Held): Promise<Outcome> {
    try {
      return await this.#options.handle(delivery, abort.signal)
    } catch (error) {
      return { type: 'error', error: { name: 'HandlerError', message: String(error), stacktrace: [] } }
    }
  }

  async #renew(): Promise<void> {
    const held = [...this.#held.values()]
    if (held.length === 0) return
    try {
      const answers = await this.#consumer.renew(held.map(({ delivery }) => ({ lease: delivery.lease })))
      for (const [index, answer] of answers.entries()) heed(held[index], answer)
    } catch {
      // An outage, or closed meanwhile: the next one goes on.
    }
  }
}

function heed(held: Held | undefined, answer: Result<RenewAnswer>): void {
  if (!answer.ok) return
  if (answer.value.status === 'lost') held?.abort.abort('lease-lost')
  else if (answer.value.cancel) held?.abort.abort('cancelled')
}
