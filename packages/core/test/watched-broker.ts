import { createTaskManager } from '../src/index.ts'
import type {
  Broker,
  EventFilter,
  SubscriptionItem,
  TaskError,
  TaskEvent,
  TaskHandle,
  TaskManager,
} from '../src/index.ts'
import { RESYNC } from '../src/index.ts'
import { alteredBroker, Outage } from './altered-broker.ts'
import { openTestWorker } from './test-worker.ts'
import type { TestWorker } from './test-worker.ts'

export const ERROR: TaskError = { name: 'TypeError', message: 'no such folder', stacktrace: [] }

/** A broker whose subscriptions a test counts, breaks and makes deaf. */
export class Subscriptions {
  opened = 0
  open = 0
  deaf = false
  #breaks = 0
  #broken = Promise.withResolvers<undefined>()

  /** As after a broken connection: what comes next may have been missed. */
  break(): void {
    this.#breaks += 1
    this.#broken.resolve(undefined)
    this.#broken = Promise.withResolvers()
  }

  async subscribe(inner: Broker, filter: EventFilter, signal: AbortSignal): Promise<AsyncIterable<SubscriptionItem>> {
    this.opened += 1
    this.open += 1
    signal.addEventListener('abort', () => (this.open -= 1))
    return this.#altered(await inner.subscribe(filter, { signal }))
  }

  async *#altered(items: AsyncIterable<SubscriptionItem>): AsyncGenerator<SubscriptionItem> {
    const iterator = items[Symbol.asyncIterator]()
    let next = iterator.next()
    let breaks = this.#breaks
    for (;;) {
      const step = await Promise.race([next, this.#broken.promise])
      if (breaks < this.#breaks) {
        breaks = this.#breaks
        yield RESYNC
      }
      if (!step) continue
      if (step.done) return
      next = iterator.next()
      if (!this.deaf) yield step.value
    }
  }
}

/** A manager and a worker over a broker that can be broken, and counts. */
export interface Watched extends AsyncDisposable {
  readonly manager: TaskManager
  readonly worker: TestWorker
  readonly subscriptions: Subscriptions
  readonly outage: Outage
  /** Calls of `get` so far. */
  gets: number
  create(id: string): Promise<TaskHandle>
}

export async function openWatched(): Promise<Watched> {
  const subscriptions = new Subscriptions()
  const outage = new Outage()
  const broker = await alteredBroker((inner) => ({
    subscribe: async (filter, { signal }) => {
      outage.check()
      return subscriptions.subscribe(inner, filter, signal)
    },
    get: async (ids) => {
      watched.gets += 1
      outage.check()
      return inner.get(ids)
    },
    result: async (id) => {
      outage.check()
      return inner.result(id)
    },
  }))
  const manager = createTaskManager(broker)
  const watched: Watched = {
    manager,
    worker: await openTestWorker(broker),
    subscriptions,
    outage,
    gets: 0,
    create: (id) => manager.create('t', null, { id, group: 'default' }),
    async [Symbol.asyncDispose]() {
      await manager.close()
      await broker.close()
    },
  }
  return watched
}

export async function collect(events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> {
  const all: TaskEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

export function versionsGrow(events: readonly TaskEvent[]): boolean {
  return events.every((event, index) => index === 0 || event.version > (events[index - 1]?.version ?? 0))
}
