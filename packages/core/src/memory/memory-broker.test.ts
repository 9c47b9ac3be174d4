import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Delivery, NewTask, TaskConsumer } from '../broker/broker.ts'
import { QueueFullError } from '../errors.ts'
import { createMemoryBroker } from './memory-broker.ts'
import type { MemoryBroker } from './memory-broker.ts'

let broker: MemoryBroker
let consumer: TaskConsumer
const cancelled: string[] = []
let drawn = 0

function newTask(id: string, more: Partial<NewTask> = {}): NewTask {
  drawn += 1
  const base = { id, incarnation: `life-${drawn}`, name: 'noop', group: 'default', queue: 'default', args: '{}' }
  return { ...base, maxRetries: 2, maxCrashes: 3, ...more }
}

async function claim(max = 1): Promise<Delivery[]> {
  return consumer.receive(max, AbortSignal.timeout(1000))
}

async function claimOne(): Promise<Delivery> {
  const [delivery] = await claim()
  if (!delivery) throw new Error('nothing was claimed within a second')
  return delivery
}

beforeEach(async () => {
  broker = createMemoryBroker()
  await broker.connect()
  cancelled.length = 0
  consumer = await broker.openConsumer({
    queues: ['default'],
    workerId: 'w',
    lease: 300,
    onCancel: ({ taskId }) => cancelled.push(taskId),
  })
})

afterEach(() => broker.close())

describe('the queue', () => {
  test('a repeated submission is created again, another one of the same id exists', async () => {
    const first = newTask('a')
    const answers = await broker.submit([first, newTask('a'), first])
    expect(answers.map((answer) => answer.ok && answer.value)).toEqual(['created', 'exists', 'created'])
    expect(await broker.counts()).toMatchObject({ QUEUED: 1 })
  })

  test('a full queue refuses one task and takes its neighbours', async () => {
    const answers = await broker.submit([
      newTask('a'),
      newTask('b', { maxQueued: 1 }),
      newTask('c', { queue: 'other', maxQueued: 1 }),
    ])
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true])
    expect(answers[1]).toMatchObject({ error: expect.any(QueueFullError) as QueueFullError })
  })

  test('a task of one queue reaches the worker that waits for it, also behind one that waits for another queue', async () => {
    const other = await broker.openConsumer({ queues: ['other'], workerId: 'o', lease: 300, onCancel: () => undefined })
    const ending = new AbortController()
    const unserved = consumer.receive(1, ending.signal)
    const served = other.receive(1, AbortSignal.timeout(1000))
    await broker.submit([newTask('a', { queue: 'other' })])
    expect((await served).map(({ task }) => task.id)).toEqual(['a'])
    ending.abort()
    expect(await unserved).toEqual([])
  })

  test('a waiting receive gets what is submitted together in one go, up to its maximum', async () => {
    const receiving = claim(10)
    await broker.submit([newTask('a'), newTask('b'), newTask('c')])
    expect((await receiving).map(({ task }) => task.id)).toEqual(['a', 'b', 'c'])
  })

  test('an aborted receive resolves with nothing and takes nothing later', async () => {
    const abort = new AbortController()
    const receiving = consumer.receive(1, abort.signal)
    abort.abort()
    expect(await receiving).toEqual([])
    await broker.submit([newTask('a')])
    expect((await claimOne()).task.id).toBe('a')
  })

  test('queues are asked in the order of preference', async () => {
    const choosy = await broker.openConsumer({
      queues: ['high', 'low'],
      workerId: 'w2',
      lease: 1000,
      onCancel: () => undefined,
    })
    await broker.submit([newTask('a', { queue: 'low' }), newTask('b', { queue: 'high' })])
    const claimed = await choosy.receive(2, AbortSignal.timeout(1000))
    expect(claimed.map(({ task }) => task.id)).toEqual(['b', 'a'])
  })
})

describe('delays', () => {
  test('a delayed task is not claimed early, counts as delayed and can be cancelled', async () => {
    await broker.submit([newTask('a', { delay: 60 }), newTask('b', { delay: 60_000 })])
    expect(await broker.counts()).toMatchObject({ QUEUED: 2, delayed: 2 })
    expect(await broker.cancel('b', { requeue: false })).toBe('cancelled')
    const before = Date.now()
    const { task } = await claimOne()
    expect(task.id).toBe('a')
    expect(Date.now() - before).toBeGreaterThanOrEqual(45)
    expect(await broker.counts()).toMatchObject({ QUEUED: 0, RUNNING: 1, CANCELLED: 1, delayed: 0 })
  })

  test('a delayed task that is cancelled and retried runs at once, and once', async () => {
    await broker.submit([newTask('a', { delay: 80 })])
    await broker.cancel('a', { requeue: false })
    expect(await broker.retry('a', { nonce: 'again' })).toBe('queued')
    const delivery = await claimOne()
    await consumer.settle([{ lease: delivery.lease, outcome: { type: 'done', result: '1' } }])
    expect(await consumer.receive(1, AbortSignal.timeout(150))).toEqual([])
  })
})

describe('leases', () => {
  test('without a renewal the task runs again as attempt 2 with a crash, and the late outcome is superseded', async () => {
    await broker.submit([newTask('a')])
    const { lease } = await claimOne()
    const again = await claimOne()
    expect(again.task).toMatchObject({ attempt: 2, crashes: 1, state: 'RUNNING' })
    expect(again.previousError).toMatchObject({ name: 'WorkerLost' })
    const late = await consumer.settle([{ lease, outcome: { type: 'done', result: '1' } }])
    expect(late).toEqual([{ ok: true, value: 'superseded' }])
    expect(await broker.result('a')).toBeUndefined()
  })

  test('a renewed lease lasts, and carries progress', async () => {
    await broker.submit([newTask('a')])
    const { lease } = await claimOne()
    for (let step = 1; step <= 4; step += 1) {
      await new Promise((resolve) => setTimeout(resolve, 120))
      expect(await consumer.renew([{ lease, progress: step / 10 }])).toEqual([{ ok: true, value: { status: 'held' } }])
    }
    expect(await broker.get(['a'])).toMatchObject([{ attempt: 1, progress: 0.4 }])
  })

  test('what a closed consumer held runs again elsewhere', async () => {
    await broker.submit([newTask('a')])
    await claimOne()
    await consumer.close()
    const other = await broker.openConsumer({
      queues: ['default'],
      workerId: 'w2',
      lease: 1000,
      onCancel: () => undefined,
    })
    const [again] = await other.receive(1, AbortSignal.timeout(2000))
    expect(again?.task).toMatchObject({ attempt: 2, crashes: 1 })
  })

  test('a consumer holds one task that has crashed before, beside fresh ones', async () => {
    await broker.submit([newTask('a'), newTask('b')])
    const held = await claim(2)
    await consumer.settle(held.map(({ lease }) => ({ lease, outcome: { type: 'lost' } })))
    await broker.submit([newTask('c')])
    const claimed = await claim(3)
    expect(claimed.map(({ task }) => task.id).sort()).toEqual(['a', 'c'])
    const first = claimed.find(({ task }) => task.id === 'a')
    if (!first) throw new Error('the suspect was not claimed')
    await consumer.settle([{ lease: first.lease, outcome: { type: 'done', result: '1' } }])
    expect((await claimOne()).task.id).toBe('b')
  })
})

describe('cancel', () => {
  test('a running task hears of it by broadcast and by its renewal', async () => {
    await broker.submit([newTask('a')])
    const { lease } = await claimOne()
    expect(await broker.cancel('a', { requeue: true })).toBe('requested')
    expect(cancelled).toEqual(['a'])
    expect(await consumer.renew([{ lease }])).toEqual([
      { ok: true, value: { status: 'held', cancel: { requeue: true } } },
    ])
    await consumer.settle([{ lease, outcome: { type: 'cancelled' } }])
    expect(await broker.get(['a'])).toMatchObject([{ state: 'QUEUED', progress: 0 }])
  })

  test('a queued task is never started, and with requeue it just stays', async () => {
    await broker.submit([newTask('a'), newTask('b')])
    expect(await broker.cancel('a', { requeue: false })).toBe('cancelled')
    expect(await broker.cancel('b', { requeue: true })).toBe('queued')
    expect((await claim(2)).map(({ task }) => task.id)).toEqual(['b'])
    expect(await broker.cancel('a', { requeue: false })).toBe('cancelled')
    const [started] = await broker.get(['b'])
    if (!started) throw new Error('b is gone')
    const lease = { id: 'b', attempt: 1, token: started.incarnation, expiresIn: 1 }
    await consumer.settle([{ lease, outcome: { type: 'done', result: '1' } }])
    expect(await broker.cancel('b', { requeue: false })).toBe('finished')
    expect(await broker.cancel('nobody', { requeue: false })).toBe('unknown')
  })
})

describe('the store', () => {
  test('pages give every task exactly once, newest first, also those of one moment', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `t${index}`)
    await broker.submit(ids.map((id) => newTask(id)))
    const seen: string[] = []
    let page = await broker.list({ limit: 40 })
    for (;;) {
      seen.push(...page.tasks.map(({ id }) => id))
      if (!page.cursor) break
      page = await broker.list({ limit: 40, cursor: page.cursor })
    }
    expect(seen).toHaveLength(250)
    expect(new Set(seen)).toEqual(new Set(ids))
  })

  test('retention by count lets the oldest finished go and keeps what waits', async () => {
    await broker.close()
    broker = createMemoryBroker({ retention: { count: 2 } })
    await broker.connect()
    await broker.submit(['a', 'b', 'c', 'd'].map((id) => newTask(id)))
    for (const id of ['a', 'b', 'c']) await broker.cancel(id, { requeue: false })
    expect((await broker.get(['a', 'b', 'c', 'd'])).map((task) => task?.state)).toEqual([
      undefined,
      'CANCELLED',
      'CANCELLED',
      'QUEUED',
    ])
  })

  test('retention by age lets finished tasks go', async () => {
    await broker.close()
    broker = createMemoryBroker({ retention: { age: 50 } })
    await broker.connect()
    await broker.submit([newTask('a'), newTask('b')])
    await broker.cancel('a', { requeue: false })
    await expect.poll(() => broker.get(['a', 'b'])).toMatchObject([undefined, { state: 'QUEUED' }])
  })

  test('a removed id is free again, and the outcome of its former life is superseded', async () => {
    await broker.submit([newTask('a')])
    const zombie = await claimOne()
    const second = await claimOne()
    await consumer.settle([{ lease: second.lease, outcome: { type: 'done', result: '1' } }])
    expect(await broker.remove('a')).toBe('removed')
    await broker.submit([newTask('a')])
    await claimOne()
    expect(await consumer.settle([{ lease: zombie.lease, outcome: { type: 'done', result: '"old"' } }])).toEqual([
      { ok: true, value: 'superseded' },
    ])
    expect(await broker.remove('a')).toBe('active')
  })

  test('bytes that are no task are parked and can be read, replayed and removed', async () => {
    const receiving = claim()
    broker.addBytes('default', Buffer.from([0xff, 0x00]))
    await broker.submit([newTask('a')])
    expect((await receiving).map(({ task }) => task.id)).toEqual(['a'])
    const [item] = (await broker.parked.list({ limit: 10 })).items
    if (!item) throw new Error('nothing was parked')
    expect(item).toMatchObject({ source: 'default', size: 2 })
    expect(await broker.parked.read(item.id)).toEqual(Buffer.from([0xff, 0x00]))
    expect(await broker.parked.replay(item.id)).toBe(true)
    expect(await consumer.receive(1, AbortSignal.timeout(50))).toEqual([])
    const [again] = (await broker.parked.list({ limit: 10 })).items
    expect(again && (await broker.parked.remove(again.id))).toBe(true)
  })
})
