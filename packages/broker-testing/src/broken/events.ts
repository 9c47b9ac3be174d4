import { RESYNC } from '@ds/core'
import type { Broker, EventFilter, SubscriptionItem } from '@ds/core'
import { Broken } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'

type Items = AsyncIterable<SubscriptionItem>

function withItems(change: (items: Items) => Items): (broker: Broker) => Broker {
  return (broker) =>
    new (class extends Broken {
      override async subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<Items> {
        return change(await this.inner.subscribe(filter, options))
      }
    })(broker)
}

/** The start of a task is told after what follows it. */
async function* outOfOrder(items: Items): AsyncGenerator<SubscriptionItem, void> {
  let late: SubscriptionItem | undefined
  for await (const item of items) {
    if (item.type === 'StartedEvent' && !late) late = item
    else {
      yield item
      if (late) yield late
      late = undefined
    }
  }
}

async function* withoutSomeEnds(items: Items): AsyncGenerator<SubscriptionItem, void> {
  let ends = 0
  for await (const item of items) {
    if (item.type === 'ResultEvent') ends += 1
    if (item.type !== 'ResultEvent' || ends % 10 !== 0) yield item
  }
}

async function* withoutDetails(items: Items): AsyncGenerator<SubscriptionItem, void> {
  for await (const item of items) {
    if (item === RESYNC || item.type === 'resync') yield item
    else {
      const { error: _error, requeue: _requeue, runAt: _runAt, ...rest } = item
      yield rest
    }
  }
}

/** Reads ahead into a buffer of a hundred, and forgets what does not fit. */
async function* forgetful(items: Items): AsyncGenerator<SubscriptionItem, void> {
  const buffer: SubscriptionItem[] = []
  let ended = false
  let wake: (() => void) | undefined
  const reading = (async () => {
    for await (const item of items) {
      if (buffer.length < 100) buffer.push(item)
      wake?.()
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true
      wake?.()
    })
  while (!ended || buffer.length > 0) {
    const item = buffer.shift()
    if (item) yield item
    else await new Promise<void>((resolve) => (wake = resolve))
  }
  await reading
}

/** Says that it is live and is so a moment later. */
async function* late(open: () => Promise<Items>): AsyncGenerator<SubscriptionItem, void> {
  await new Promise((resolve) => setTimeout(resolve, 30))
  yield* await open()
}

export const brokenEvents: readonly BrokenBroker[] = [
  {
    name: 'tells events out of order',
    rule: 'events-order',
    cases: ['events: a life is told in order'],
    wrap: withItems(outOfOrder),
  },
  {
    name: 'misses some final events',
    rule: 'events-final',
    cases: ['events: every subscriber gets every final event'],
    wrap: withItems(withoutSomeEnds),
  },
  {
    name: 'tells events without details',
    rule: 'events-say',
    cases: ['events: failures say their error and when they run again'],
    wrap: withItems(withoutDetails),
  },
  {
    name: 'forgets events of a slow reader',
    rule: 'events-slow',
    cases: ['events: a slow reader gets the final event'],
    wrap: withItems((items) => {
      const started = forgetful(items)
      // Reading begins with the subscription, not with the first read.
      const first = started.next()
      return (async function* () {
        const { done, value } = await first
        if (done) return
        yield value
        yield* started
      })()
    }),
  },
  {
    name: 'is live after subscribe has resolved',
    rule: 'events-live',
    cases: ['events: events come from the moment subscribe resolves'],
    wrap: (broker) =>
      new (class extends Broken {
        override async subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<Items> {
          return late(() => this.inner.subscribe(filter, options))
        }
      })(broker),
  },
  {
    name: 'lets every event through',
    rule: 'events-filter',
    cases: ['events: filters let through what matches'],
    wrap: (broker) =>
      new (class extends Broken {
        override subscribe(_filter: EventFilter, options: { signal: AbortSignal }): Promise<Items> {
          return this.inner.subscribe({}, options)
        }
      })(broker),
  },
]
