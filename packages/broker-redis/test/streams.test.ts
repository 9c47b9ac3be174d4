import type { Redis } from 'ioredis'
import { startRedis } from '@ds/broker-testing'
import type { TestServer } from '@ds/broker-testing'
import type { Delivery, Settlement, TaskConsumer } from '@ds/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RedisBroker } from '../src/index.ts'
import { topologyOf } from '../src/topology.ts'
import type { Topology } from '../src/topology.ts'
import { cleanUp, clientOf, connect, newTask, openConsumer, soon } from './ground.ts'

/** Entries that are done may lie in the oldest node of a stream: the server's default is 100 entries a node. */
const NODE = 100

let server: TestServer
let client: Redis
let broker: RedisBroker
let keys: Topology
let drawn = 0

beforeAll(async () => {
  server = await startRedis({ ownProcess: true })
})
afterAll(() => server.close())
beforeEach(async () => {
  drawn += 1
  const namespace = `streams-${drawn}`
  keys = topologyOf(namespace)
  client = clientOf(server)
  broker = await connect({ url: server.url, namespace })
})
afterEach(cleanUp)

function doneWith({ lease }: Delivery): Settlement {
  return { lease, outcome: { type: 'done', result: '1' } }
}

/** So many: a call may bring fewer. */
async function receive(consumer: TaskConsumer, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  while (deliveries.length < count) deliveries.push(...(await consumer.receive(count - deliveries.length, soon())))
  return deliveries
}

async function submit(count: number): Promise<void> {
  for (let at = 0; at < count; at += 500)
    await broker.submit(Array.from({ length: Math.min(500, count - at) }, () => newTask()))
}

describe('the stream of a queue', () => {
  test.each([1, 7, 100])('does not grow while tasks are settled in order, %i at a time', async (batch) => {
    const consumer = await openConsumer(broker)
    const rounds = Math.ceil(600 / batch)
    await submit((rounds + 1) * batch)
    let held = await receive(consumer, batch)
    for (let round = 0; round < rounds; round += 1) {
      const settled = consumer.settle(held.map(doneWith))
      const next = receive(consumer, batch)
      await settled
      held = await next
    }
    await consumer.settle(held.map(doneWith))
    expect((await broker.counts()).DONE).toBe((rounds + 1) * batch)
    expect(await client.xlen(keys.queue('default'))).toBeLessThanOrEqual(NODE + batch)
  })

  test('does not grow behind a task that runs for long', async () => {
    const consumer = await openConsumer(broker)
    await submit(1001)
    const [long] = await consumer.receive(1, soon())
    for (let round = 0; round < 10; round += 1) {
      const held = await receive(consumer, 100)
      await consumer.settle(held.map(doneWith))
    }
    expect(await client.xlen(keys.queue('default'))).toBe(1)
    expect((await consumer.renew(long ? [{ lease: long.lease }] : []))[0]).toEqual({
      ok: true,
      value: { status: 'held' },
    })
    expect(await consumer.settle(long ? [doneWith(long)] : [])).toEqual([{ ok: true, value: 'applied' }])
  })

  test('keeps every task that is not done, in whatever order the others end', async () => {
    const [first, second] = [await openConsumer(broker), await openConsumer(broker)]
    await submit(900)
    const held = [...(await receive(first, 200)), ...(await receive(second, 200))]
    const [settled, kept] = [held.filter((_, index) => index % 3 !== 0), held.filter((_, index) => index % 3 === 0)]
    for (let at = 0; at < settled.length; at += 20) {
      await first.settle(settled.slice(at, at + 20).map(doneWith))
      await receive(second, 5)
    }
    const leases = await first.renew(kept.map(({ lease }) => ({ lease })))
    expect(leases.filter(({ ok }) => ok)).toHaveLength(kept.length)
    const entries = await client.xrange(keys.queue('default'), '-', '+')
    const waiting = entries.map(([, [, id]]) => id)
    expect(waiting).toEqual(expect.arrayContaining(kept.map(({ task }) => task.id)))
    expect(await broker.counts()).toMatchObject({
      DONE: settled.length,
      QUEUED: 900 - 400 - 5 * Math.ceil(settled.length / 20),
    })
  })
})

test('a limit of a queue counts what waits, not what is done', async () => {
  const consumer = await openConsumer(broker)
  await submit(50)
  const held = await receive(consumer, 40)
  const settled = consumer.settle(held.slice(0, 30).map(doneWith))
  const next = receive(consumer, 5)
  await Promise.all([settled, next])
  // Five wait now: the sixth to the eighth have room, the ninth has not.
  const answers = await broker.submit(Array.from({ length: 4 }, () => newTask({ maxQueued: 8 })))
  expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, false])
})

test('the stream of events does not grow for ever', { timeout: 30_000 }, async () => {
  await submit(500)
  expect(await client.xlen(keys.events)).toBeGreaterThan(0)
  await expect.poll(() => client.xlen(keys.events), { timeout: 20_000, interval: 500 }).toBe(0)
})
