import { expect, test } from 'vitest'
import type { Broker, Delivery, Result, SettleAnswer, Settlement, TaskConsumer } from './broker.ts'
import { BrokerUnavailableError } from '../errors.ts'
import { RESYNC } from '../events.ts'
import type { SubscriptionItem } from '../events.ts'
import { guardBroker } from './guard-broker.ts'
import { createMemoryBroker, MemoryBroker } from '../memory/memory-broker.ts'

const CONSUMER = { queues: ['default'], workerId: 'w', lease: 1000, onCancel: (): void => undefined }
const TASK = {
  id: 'a',
  incarnation: '1',
  name: 'n',
  group: 'default',
  queue: 'default',
  args: '{}',
  maxRetries: 0,
  maxCrashes: 3,
}

async function open(inner: Broker): Promise<Broker> {
  const broker = guardBroker(inner)
  await broker.connect({ timeout: 1000 })
  return broker
}

test('connecting and closing happen once, however often they are called', async () => {
  const calls: string[] = []
  class Counted extends MemoryBroker {
    override connect(): Promise<void> {
      calls.push('connect')
      return super.connect()
    }
    override close(): Promise<void> {
      calls.push('close')
      return super.close()
    }
  }
  const broker = guardBroker(guardBroker(new Counted()))
  await Promise.all([broker.connect({ timeout: 1 }), broker.connect({ timeout: 1 })])
  await Promise.all([broker.close(), broker.close()])
  await broker.close()
  expect(calls).toEqual(['connect', 'close'])
})

test('a connect that failed can be tried again', async () => {
  class Late extends MemoryBroker {
    tries = 0
    override connect(): Promise<void> {
      this.tries += 1
      return this.tries === 1 ? Promise.reject(new BrokerUnavailableError('not yet')) : super.connect()
    }
  }
  const broker = guardBroker(new Late())
  await expect(broker.connect({ timeout: 1 })).rejects.toMatchObject({ code: 'BrokerUnavailable' })
  await broker.connect({ timeout: 1 })
  expect(await broker.get(['a'])).toEqual([undefined])
  await broker.close()
})

test('calls before connect and after close are refused, and health says so', async () => {
  const broker = guardBroker(createMemoryBroker())
  await expect(broker.get(['a'])).rejects.toMatchObject({ code: 'BrokerClosed' })
  expect(await broker.health()).toMatchObject({ ok: false })
  await broker.connect({ timeout: 1 })
  const consumer = await broker.openConsumer(CONSUMER)
  await broker.close()
  await expect(broker.submit([TASK])).rejects.toMatchObject({ code: 'BrokerClosed' })
  await expect(consumer.receive(1, new AbortController().signal)).rejects.toMatchObject({ code: 'BrokerClosed' })
  await expect(broker.connect({ timeout: 1 })).rejects.toMatchObject({ code: 'BrokerClosed' })
})

test('a health that breaks its word, and throws or rejects, is told as bad health', async () => {
  const broken = createMemoryBroker()
  const broker = await open(broken)
  const told = { ok: false, checks: [{ name: 'connection', ok: false, message: 'no health here' }] }
  broken.health = () => Promise.reject(new Error('no health here'))
  expect(await broker.health()).toMatchObject(told)
  broken.health = () => {
    throw new Error('no health here')
  }
  expect(await broker.health()).toMatchObject(told)
})

test('closing ends what waits: a receive and a subscription', async () => {
  const broker = await open(createMemoryBroker())
  const consumer = await broker.openConsumer(CONSUMER)
  const receiving = consumer.receive(1, new AbortController().signal)
  const events = await broker.subscribe({}, { signal: new AbortController().signal })
  const reading = (async () => {
    const items: SubscriptionItem[] = []
    for await (const item of events) items.push(item)
    return items
  })()
  await broker.close()
  expect(await receiving).toEqual([])
  expect(await reading).toEqual([])
})

/** A broker whose consumer does not answer the first calls of each kind. */
class Flaky extends MemoryBroker {
  override async openConsumer(options: typeof CONSUMER): Promise<TaskConsumer> {
    return flakyConsumer(await super.openConsumer(options))
  }
}

function flakyConsumer(inner: TaskConsumer): TaskConsumer {
  let [receives, settles] = [0, 0]
  return {
    receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
      receives += 1
      return receives < 3 ? Promise.reject(new BrokerUnavailableError('away')) : inner.receive(max, signal)
    },
    async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
      settles += 1
      if (settles === 1) throw new BrokerUnavailableError('away')
      const [first, ...others] = items
      if (settles > 2 || !first) return inner.settle(items)
      const [answer] = await inner.settle([first])
      const away = { ok: false, error: new BrokerUnavailableError('away') } as const
      return [answer ?? away, ...others.map(() => away)]
    },
    renew: (items) => inner.renew(items),
    drain: () => inner.drain(),
    close: () => inner.close(),
  }
}

test('receive and settle wait over an outage, and only what has no answer is sent again', async () => {
  const broker = await open(new Flaky())
  await broker.submit([TASK, { ...TASK, id: 'b' }])
  const consumer = await broker.openConsumer(CONSUMER)
  const deliveries = await consumer.receive(2, AbortSignal.timeout(5000))
  expect(deliveries).toHaveLength(2)
  const answers = await consumer.settle(
    deliveries.map(({ lease }) => ({ lease, outcome: { type: 'done', result: '1' } })),
  )
  expect(answers).toEqual([
    { ok: true, value: 'applied' },
    { ok: true, value: 'applied' },
  ])
  await broker.close()
})

test('a subscription that breaks is opened again, and says so', async () => {
  class Breaking extends MemoryBroker {
    opened = 0
    override async subscribe(...args: Parameters<MemoryBroker['subscribe']>): Promise<AsyncIterable<SubscriptionItem>> {
      this.opened += 1
      if (this.opened > 1) return super.subscribe(...args)
      return {
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new BrokerUnavailableError('cut')) }),
      }
    }
  }
  const broker = await open(new Breaking())
  const abort = new AbortController()
  const events = await broker.subscribe({}, { signal: abort.signal })
  const seen: SubscriptionItem[] = []
  for await (const item of events) {
    seen.push(item)
    if (item === RESYNC) await broker.submit([TASK])
    else abort.abort()
  }
  expect(seen).toMatchObject([{ type: 'resync' }, { type: 'QueuedEvent', taskId: 'a' }])
  await broker.close()
})
