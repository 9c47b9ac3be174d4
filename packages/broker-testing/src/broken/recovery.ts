import type {
  BrokerHealth,
  ConsumerOptions,
  Delivery,
  EventFilter,
  Payload,
  Renewal,
  Settlement,
  SubscriptionItem,
  TaskConsumer,
} from '@ds/core'
import { Broken, withConsumers } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'
import { ConsumerWrapper } from './wrappers.ts'

function untilAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** After the first outage it waits for an answer that never comes. */
class StuckAfterAReconnect extends ConsumerWrapper {
  #stuck = false

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (!this.#stuck) {
      try {
        return await this.inner.receive(max, signal)
      } catch {
        this.#stuck = true
      }
    }
    await untilAbort(signal)
    return []
  }
}

class IsAlwaysHealthy extends Broken {
  override async health(): Promise<BrokerHealth> {
    const health = await this.inner.health()
    return { ...health, ok: true, checks: health.checks.map((check) => ({ ...check, ok: true })) }
  }
}

class ConnectsForEver extends Broken {
  override connect(): Promise<void> {
    return this.inner.connect({ timeout: 3_600_000 })
  }
}

/** Subscribes again by itself and does not say so. */
class HidesBreaks extends Broken {
  override async subscribe(
    filter: EventFilter,
    options: { signal: AbortSignal },
  ): Promise<AsyncIterable<SubscriptionItem>> {
    const open = (): Promise<AsyncIterable<SubscriptionItem>> => this.inner.subscribe(filter, options)
    return silently(await open(), { open, signal: options.signal })
  }
}

async function* silently(
  first: AsyncIterable<SubscriptionItem>,
  { open, signal }: { open: () => Promise<AsyncIterable<SubscriptionItem>>; signal: AbortSignal },
): AsyncGenerator<SubscriptionItem, void> {
  let items: AsyncIterable<SubscriptionItem> | undefined = first
  while (!signal.aborted) {
    try {
      items ??= await open()
      yield* items
      return
    } catch {
      items = undefined
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** The results of tasks stay with the process that settled them. */
class KeepsResultsToItself extends Broken {
  readonly #settled = new Set<string>()

  override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const settled = this.#settled
    return new (class extends ConsumerWrapper {
      override settle(items: readonly Settlement[]): ReturnType<TaskConsumer['settle']> {
        for (const { lease } of items) settled.add(lease.id)
        return this.inner.settle(items)
      }
    })(await this.inner.openConsumer(options))
  }

  override async result(id: string): Promise<Payload | undefined> {
    return this.#settled.has(id) ? this.inner.result(id) : undefined
  }
}

/** Waits with a renewal, too, and so with all that depends on its answer. */
class RenewsWhenItIsBack extends ConsumerWrapper {
  override async renew(items: readonly Renewal[]): ReturnType<TaskConsumer['renew']> {
    for (;;) {
      try {
        return await this.inner.renew(items)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
}

class ReleasesOnClose extends ConsumerWrapper {
  readonly #held: Delivery[] = []

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const deliveries = await this.inner.receive(max, signal)
    this.#held.push(...deliveries)
    return deliveries
  }

  override async close(): Promise<void> {
    await this.inner.settle(this.#held.map(({ lease }) => ({ lease, outcome: { type: 'released' } }))).catch(() => [])
    return this.inner.close()
  }
}

class DrainsNothing extends ConsumerWrapper {
  override async drain(): Promise<void> {
    return
  }
}

export const brokenRecoveries: readonly BrokenBroker[] = [
  {
    name: 'is stuck after a reconnect',
    rule: 'outage',
    cases: ['recovery: calls that wait go on, others say what is wrong', 'recovery: a server that stands still'],
    wrap: withConsumers((consumer) => new StuckAfterAReconnect(consumer)),
  },
  {
    name: 'waits with renewals',
    rule: 'outage',
    cases: ['recovery: calls that wait go on, others say what is wrong'],
    wrap: withConsumers((consumer) => new RenewsWhenItIsBack(consumer)),
  },
  {
    name: 'is always healthy',
    rule: 'health-honest',
    cases: ['recovery: a server that is away for long'],
    wrap: (broker) => new IsAlwaysHealthy(broker),
  },
  {
    name: 'connects for ever',
    rule: 'unavailable',
    cases: ['recovery: nothing hangs without the server'],
    wrap: (broker) => new ConnectsForEver(broker),
  },
  {
    name: 'hides breaks of a subscription',
    rule: 'resync',
    cases: ['recovery: subscriptions and broadcasts go on after a restart'],
    wrap: (broker) => new HidesBreaks(broker),
  },
  {
    name: 'keeps results to itself',
    rule: 'read-lag',
    cases: ['store: writes of others are read within the lag'],
    wrap: (broker) => new KeepsResultsToItself(broker),
  },
  {
    name: 'releases what it holds on close',
    rule: 'close-consumer',
    cases: ['shutdown: what a closed consumer held runs out with its lease'],
    wrap: withConsumers((consumer) => new ReleasesOnClose(consumer)),
  },
  {
    name: 'drains nothing',
    rule: 'drain',
    cases: ['shutdown: drain stops receiving and loses nothing'],
    wrap: withConsumers((consumer) => new DrainsNothing(consumer)),
  },
]
