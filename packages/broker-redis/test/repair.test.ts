import type { Redis } from 'ioredis'
import { startRedis } from '@ds/broker-testing'
import type { TestServer } from '@ds/broker-testing'
import { guardBroker } from '@ds/core'
import type { Delivery, Settlement, TaskCursor } from '@ds/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RedisBroker } from '../src/index.ts'
import { topologyOf } from '../src/topology.ts'
import type { Topology } from '../src/topology.ts'
import { cleanUp, clientOf, connect, newTask, openConsumer, soon } from './ground.ts'

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
  const namespace = `repair-${drawn}`
  keys = topologyOf(namespace)
  client = clientOf(server)
  broker = await connect({ url: server.url, namespace })
})
afterEach(cleanUp)

function doneWith({ lease }: Delivery): Settlement {
  return { lease, outcome: { type: 'done', result: '1' } }
}

describe('what somebody took away is put back', () => {
  test('tasks whose stream was deleted', { timeout: 20_000 }, async () => {
    const tasks = Array.from({ length: 20 }, () => newTask())
    await broker.submit(tasks)
    await client.del(keys.queue('default'))
    const consumer = await openConsumer(broker)
    const received: string[] = []
    while (received.length < 20) received.push(...(await consumer.receive(20, soon())).map(({ task }) => task.id))
    expect(received.sort()).toEqual(tasks.map(({ id }) => id).sort())
  })

  test('delays whose set was deleted', { timeout: 20_000 }, async () => {
    await broker.submit([newTask({ delay: 1500 })])
    await client.del(keys.delayed('default'))
    const consumer = await openConsumer(broker)
    const [delivery] = await consumer.receive(1, soon())
    expect(delivery?.task.attempt).toBe(1)
    expect(delivery?.task.startedAt).toBeGreaterThanOrEqual((delivery?.task.createdAt ?? 0) + 1500)
  })

  test('tasks that ran when their stream was deleted, held against nobody', { timeout: 20_000 }, async () => {
    await broker.submit([newTask()])
    const consumer = await openConsumer(broker)
    const [lost] = await consumer.receive(1, soon())
    await client.del(keys.queue('default'))
    const [again] = await consumer.receive(1, soon())
    expect(again?.task).toMatchObject({ id: lost?.task.id, attempt: 2, failures: 0, crashes: 0 })
  })

  test('queues that were deleted while a worker waited for them', { timeout: 20_000 }, async () => {
    const guarded = guardBroker(broker)
    await guarded.connect({ timeout: 1000 })
    const waiting = (await openConsumer(guarded)).receive(1, soon())
    await new Promise((resolve) => setTimeout(resolve, 300))
    await client.del(keys.queue('default'), keys.suspects('default'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await broker.submit([newTask({ id: 'after' })])
    expect((await waiting).map(({ task }) => task.id)).toEqual(['after'])
  })

  test('scripts that the server has forgotten', async () => {
    await client.script('FLUSH')
    await broker.submit([newTask()])
    const consumer = await openConsumer(broker)
    await client.script('FLUSH')
    const [delivery] = await consumer.receive(1, soon())
    await client.script('FLUSH')
    expect(await consumer.settle(delivery ? [doneWith(delivery)] : [])).toEqual([{ ok: true, value: 'applied' }])
  })
})

describe('a group that was destroyed while a task ran', () => {
  test('gives it to nobody else while its holder renews, and the outcome counts', { timeout: 20_000 }, async () => {
    await broker.submit([newTask()])
    const holder = await openConsumer(broker, { workerId: 'holder', lease: 1000 })
    const other = await openConsumer(broker, { workerId: 'other', lease: 1000 })
    const [held] = await holder.receive(1, soon())
    if (!held) throw new Error('nothing was received')
    await client.xgroup('DESTROY', keys.queue('default'), 'workers')
    const renewing = setInterval(() => void holder.renew([{ lease: held.lease }]), 200)
    expect(await other.receive(1, AbortSignal.timeout(3000))).toEqual([])
    clearInterval(renewing)
    expect(await holder.settle([doneWith(held)])).toEqual([{ ok: true, value: 'applied' }])
    expect(await client.xlen(keys.queue('default'))).toBe(0)
  })

  test('still lets its lease run out when the holder is gone', { timeout: 20_000 }, async () => {
    await broker.submit([newTask()])
    const holder = await openConsumer(broker, { workerId: 'holder', lease: 1000 })
    const [held] = await holder.receive(1, soon())
    await client.xgroup('DESTROY', keys.queue('default'), 'workers')
    await holder.close()
    const other = await openConsumer(broker, { workerId: 'other', lease: 1000 })
    const [again] = await other.receive(1, soon())
    expect(again?.task).toMatchObject({ id: held?.task.id, attempt: 2, crashes: 1 })
  })
})

describe('leases', () => {
  test(
    'of a dead worker last as long as it asked for, also where the living ask for longer',
    { timeout: 20_000 },
    async () => {
      await broker.submit([newTask()])
      const short = await openConsumer(broker, { workerId: 'short', lease: 1000 })
      const [held] = await short.receive(1, soon())
      await short.close()
      const long = await openConsumer(broker, { workerId: 'long', lease: 2000 })
      const [again] = await long.receive(1, soon())
      const waited = (again?.task.startedAt ?? 0) - (held?.task.startedAt ?? 0)
      expect(again?.task).toMatchObject({ attempt: 2, crashes: 1 })
      expect(waited).toBeGreaterThanOrEqual(1000)
      expect(waited).toBeLessThan(1000 + 2000 + broker.capabilities.sweepInterval + 500)
    },
  )

  test('of a living worker are not ended by one that asks for less', { timeout: 20_000 }, async () => {
    await broker.submit([newTask()])
    const long = await openConsumer(broker, { workerId: 'long', lease: 8000 })
    const [held] = await long.receive(1, soon())
    const short = await openConsumer(broker, { workerId: 'short', lease: 500 })
    expect(await short.receive(1, AbortSignal.timeout(3000))).toEqual([])
    expect(await long.settle(held ? [doneWith(held)] : [])).toEqual([{ ok: true, value: 'applied' }])
  })
})

describe('consumers', () => {
  test('leave no trace in the lists of the server', async () => {
    const consumer = await openConsumer(broker)
    await broker.submit([newTask()])
    const [delivery] = await consumer.receive(1, soon())
    expect(await client.xinfo('CONSUMERS', keys.queue('default'), 'workers')).toHaveLength(1)
    await consumer.settle(delivery ? [doneWith(delivery)] : [])
    await consumer.close()
    expect(await client.xinfo('CONSUMERS', keys.queue('default'), 'workers')).toEqual([])
    expect(await client.xinfo('CONSUMERS', keys.suspects('default'), 'workers')).toEqual([])
  })

  test('that leave while they hold something stay there until its lease has run out', async () => {
    const consumer = await openConsumer(broker)
    await broker.submit([newTask()])
    await consumer.receive(1, soon())
    await consumer.close()
    expect((await client.xpending(keys.queue('default'), 'workers'))[0]).toBe(1)
  })
})

describe('lists', () => {
  test('leave out what has no record any more, and take it out of the indexes', async () => {
    const tasks = [newTask(), newTask(), newTask()]
    await broker.submit(tasks)
    await client.del(keys.task(tasks[1]?.id ?? ''))
    const { tasks: listed } = await broker.list({ limit: 10 })
    expect(listed.map(({ id }) => id).sort()).toEqual([tasks[0]?.id, tasks[2]?.id].sort())
    expect(await client.zcard(keys.index)).toBe(2)
    await broker.list({ limit: 10, name: 'noop' })
    expect(await client.zcard(`${keys.prefix}name:noop`)).toBe(2)
  })

  test('find a rare task among many, in pages that look at a bounded number', { timeout: 20_000 }, async () => {
    const common = Array.from({ length: 6000 }, () => newTask())
    await broker.submit([newTask({ id: 'rare', name: 'rare', group: 'other' })])
    for (let at = 0; at < common.length; at += 500) await broker.submit(common.slice(at, at + 500))
    // The smallest of the sets is the one that is read.
    const direct = await broker.list({ limit: 10, name: 'rare' })
    expect(direct.tasks.map(({ id }) => id)).toEqual(['rare'])
    expect(direct.cursor).toBeUndefined()

    await broker.cancel('rare', { requeue: false })
    let cursor: TaskCursor | undefined
    let pages = 0
    const found: string[] = []
    do {
      // Neither of these sets is small, and what both hold is the oldest.
      const query = { limit: 10, states: ['QUEUED'], group: 'default', ...(cursor && { cursor }) } as const
      const page: Awaited<ReturnType<typeof broker.list>> = await broker.list({ ...query, limit: 1000 })
      found.push(...page.tasks.map(({ id }) => id))
      cursor = page.cursor
      pages += 1
    } while (cursor)
    expect(new Set(found).size).toBe(6000)
    expect(found).toHaveLength(6000)
    expect(pages).toBeGreaterThanOrEqual(6)
  })
})
