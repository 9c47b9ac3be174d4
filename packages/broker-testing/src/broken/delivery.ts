import type { Broker, ConsumerOptions, Delivery, Lease, TaskConsumer } from '@ds/core'
import { Broken, sharedBy, withConsumers } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'
import { ConsumerWrapper } from './wrappers.ts'

/** Every fifth delivery comes a second time, to whoever asks next. */
class DeliversTwice extends ConsumerWrapper {
  readonly #again: Delivery[]
  readonly #queues: readonly string[]
  #count = 0

  constructor(inner: TaskConsumer, again: Delivery[], queues: readonly string[]) {
    super(inner)
    this.#again = again
    this.#queues = queues
  }

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const [second] = this.#again
    if (second && this.#queues.includes(second.task.queue)) return this.#again.splice(0, 1)
    const deliveries = await this.inner.receive(max, signal)
    for (const delivery of deliveries) {
      this.#count += 1
      if (this.#count % 5 === 0) this.#again.push(delivery)
    }
    return deliveries
  }
}

/** Takes a task off the queue as soon as it is handed out: nobody gets it when its worker is gone. */
class AcknowledgesEarly extends ConsumerWrapper {
  readonly #leases: Lease[] = []
  readonly #renewal: NodeJS.Timeout

  constructor(inner: TaskConsumer) {
    super(inner)
    this.#renewal = setInterval(
      () => void this.inner.renew(this.#leases.map((lease) => ({ lease }))).catch(() => []),
      50,
    )
    this.#renewal.unref()
  }

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const deliveries = await this.inner.receive(max, signal)
    this.#leases.push(...deliveries.map(({ lease }) => lease))
    return deliveries
  }

  override async close(): Promise<void> {
    if (this.#leases.length === 0) clearInterval(this.#renewal)
    await this.inner.drain()
  }
}

/** Claims ahead and hands out one by one. */
class Hoards extends ConsumerWrapper {
  readonly #hoard: Delivery[] = []

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#hoard.length === 0) this.#hoard.push(...(await this.inner.receive(max + 10, signal)))
    return this.#hoard.splice(0, max)
  }
}

/** Asks every second and a half. */
class WakesUpLate extends ConsumerWrapper {
  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    for (;;) {
      const deliveries = await this.inner.receive(max, AbortSignal.any([signal, AbortSignal.timeout(5)]))
      if (deliveries.length > 0 || signal.aborted) return deliveries
      await untilAborted(signal, 1500)
    }
  }
}

function untilAborted(signal: AbortSignal, longest: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, longest)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}

/** Claims on after the abort and forgets what it got. */
class LosesOnAbort extends ConsumerWrapper {
  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (signal.aborted) return []
    const late = new AbortController()
    signal.addEventListener('abort', () => setTimeout(() => late.abort(), 3), { once: true })
    const deliveries = await this.inner.receive(max, late.signal)
    return signal.aborted ? [] : deliveries
  }
}

/** Answers a claim before it is stored anywhere but here: the record says QUEUED for a while. */
class ClaimsLater extends Broken {
  readonly #claimed = new Map<string, number>()

  override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const claimed = this.#claimed
    return new (class extends ConsumerWrapper {
      override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
        const deliveries = await this.inner.receive(max, signal)
        for (const { task } of deliveries) claimed.set(task.id, performance.now())
        return deliveries
      }
    })(await this.inner.openConsumer(options))
  }

  override async get(ids: readonly string[]): ReturnType<Broker['get']> {
    const hidden = (id: string): boolean => performance.now() - (this.#claimed.get(id) ?? -Infinity) < 20
    const tasks = await this.inner.get(ids)
    return tasks.map((task) =>
      task?.state === 'RUNNING' && hidden(task.id) ? { ...task, state: 'QUEUED', attempt: task.attempt - 1 } : task,
    )
  }
}

export const brokenDeliveries: readonly BrokenBroker[] = [
  {
    name: 'delivers twice',
    rule: 'one-worker',
    cases: ['delivery: each task goes to one of five workers'],
    wrap: withConsumers(
      (consumer, { broker, options }) =>
        new DeliversTwice(
          consumer,
          sharedBy(broker, 'delivers twice', (): Delivery[] => []),
          options.queues,
        ),
    ),
  },
  {
    name: 'acknowledges early',
    rule: 'lease-lost',
    cases: [
      'lease: without renewal the task runs again, with a crash',
      'lease: what a living worker forgot runs again',
    ],
    wrap: withConsumers((consumer) => new AcknowledgesEarly(consumer)),
  },
  {
    name: 'hoards',
    rule: 'claims-bounded',
    cases: [
      'delivery: no more is claimed than was asked for',
      'delivery: idle and full workers keep nothing from others',
    ],
    wrap: withConsumers((consumer) => new Hoards(consumer)),
  },
  {
    name: 'wakes up late',
    rule: 'wake-up',
    cases: ['delivery: an idle worker wakes up at once', 'delivery: workers of two queues wake up at once for either'],
    wrap: withConsumers((consumer) => new WakesUpLate(consumer)),
  },
  {
    name: 'loses what an aborted receive claims',
    rule: 'receive-abort',
    cases: ['delivery: abort loses no task'],
    wrap: withConsumers((consumer) => new LosesOnAbort(consumer)),
  },
  {
    name: 'serves its queues backwards',
    rule: 'queues-apart',
    cases: ['delivery: queues are served in order of preference'],
    wrap: (broker) =>
      new (class extends Broken {
        override openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
          return this.inner.openConsumer({ ...options, queues: options.queues.toReversed() })
        }
      })(broker),
  },
  {
    name: 'stores a claim after it was answered',
    rule: 'claim-durable',
    cases: ['delivery: what is received is stored as RUNNING'],
    wrap: (broker) => new ClaimsLater(broker),
  },
]
