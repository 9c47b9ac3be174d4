import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ERROR, openWatched } from '../../test/watched-broker.ts'
import type { Watched } from '../../test/watched-broker.ts'
import { scopedTaskManager } from './create-task-manager.ts'

let watched: Watched

beforeEach(async () => {
  watched = await openWatched()
})

afterEach(() => watched[Symbol.asyncDispose]())

describe('result and wait', () => {
  test('give what the task ended in, when it ends', async () => {
    const task = await watched.create('a')
    const both = Promise.all([task.result(), task.wait()])
    await watched.worker.finish({ type: 'done', result: '{"indexed":3}' })
    expect(await both).toMatchObject([{ indexed: 3 }, { id: 'a', state: 'DONE' }])
  })

  test('give it at once where it has ended, without a subscription', async () => {
    const task = await watched.create('a')
    await watched.worker.finish()
    expect(await task.result()).toBe('result')
    expect(await task.wait()).toMatchObject({ state: 'DONE' })
    expect(watched.subscriptions.opened).toBe(0)
  })

  test('give a result that is null', async () => {
    const task = await watched.create('a')
    await watched.worker.finish({ type: 'done', result: 'null' })
    expect(await task.result()).toBeNull()
  })

  test('tell of an error: result by throwing it, wait by the task', async () => {
    const task = await watched.create('a')
    const result = task.result()
    await watched.worker.finish({ type: 'error', error: ERROR })
    await expect(result).rejects.toMatchObject({ code: 'TaskFailed', error: ERROR, task: { id: 'a', state: 'ERROR' } })
    await expect(result).rejects.toThrow(/Task a \(t\) failed in attempt 1: TypeError: no such folder/)
    expect(await task.wait()).toMatchObject({ state: 'ERROR' })
    expect(await task.errors()).toMatchObject([{ attempt: 1, error: ERROR }])
  })

  test('tell of a cancel', async () => {
    const task = await watched.create('a')
    const result = task.result()
    expect(await task.cancel()).toBe('cancelled')
    await expect(result).rejects.toMatchObject({ code: 'TaskCancelled', task: { id: 'a' } })
    expect(await task.wait()).toMatchObject({ state: 'CANCELLED' })
  })

  test('go on over retries', async () => {
    const task = await watched.manager.create('t', null, { group: 'default', maxRetries: 1 })
    const result = task.result()
    await watched.worker.finish({ type: 'retry', error: ERROR, delay: 0 })
    await watched.worker.finish()
    expect(await result).toBe('result')
  })

  test('end after their timeout, and the task goes on', async () => {
    const task = await watched.create('a')
    await expect(task.result({ timeout: 30 })).rejects.toMatchObject({ code: 'WaitTimeout' })
    await expect(task.wait({ timeout: '30ms' })).rejects.toThrow(/Task a did not end within 30 ms/)
    const result = task.result({ timeout: '10s' })
    await watched.worker.finish()
    expect(await result).toBe('result')
  })

  test('end with the reason of their signal', async () => {
    const task = await watched.create('a')
    const ending = new AbortController()
    const waits = [task.result({ signal: ending.signal }), task.wait({ signal: ending.signal, timeout: '1m' })]
    ending.abort(new Error('enough'))
    for (const wait of waits) await expect(wait).rejects.toThrow('enough')
    await expect(task.wait({ signal: ending.signal })).rejects.toThrow('enough')
  })

  test('end with the manager', async () => {
    const task = await watched.create('a')
    const result = task.result()
    await watched.manager.close()
    await expect(result).rejects.toMatchObject({ code: 'BrokerClosed' })
    await expect(task.wait()).rejects.toMatchObject({ code: 'BrokerClosed' })
  })

  test('wait for the new life of a task that was run again', async () => {
    const task = await watched.create('a')
    await watched.worker.finish({ type: 'error', error: ERROR })
    await task.retry()
    const result = task.result()
    await watched.worker.finish()
    expect(await result).toBe('result')
  })

  test('of 2,000 tasks share one subscription and few reads', async () => {
    const tasks = await watched.manager.create(
      Array.from({ length: 2000 }, () => ({ name: 't', args: 1, group: 'default' })),
    )
    const results = Promise.all(tasks.map((task) => task.result()))
    for (let ended = 0; ended < 2000;) {
      const deliveries = await watched.worker.consumer.receive(500, AbortSignal.timeout(5000))
      ended += deliveries.length
      await watched.worker.consumer.settle(
        deliveries.map(({ lease }) => ({ lease, outcome: { type: 'done', result: '1' } })),
      )
    }
    expect((await results).every((result) => result === 1)).toBe(true)
    expect(watched.subscriptions.opened).toBe(1)
    expect(watched.gets).toBeLessThan(20)
  })
})

describe('nothing waits for ever', () => {
  test('where the final event went missing, the store is looked at', async () => {
    const task = await watched.create('a')
    const result = task.result()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    watched.subscriptions.deaf = true
    await watched.worker.finish()
    expect(await result).toBe('result')
  }, 15_000)

  test('after a break what is waited for is read at once', async () => {
    const task = await watched.create('a')
    const result = task.result()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    watched.subscriptions.deaf = true
    await watched.worker.finish()
    const start = performance.now()
    watched.subscriptions.break()
    expect(await result).toBe('result')
    expect(performance.now() - start).toBeLessThan(4000)
  })

  test('an outage is waited out, before the wait begins and in the middle of it', async () => {
    const task = await watched.create('a')
    watched.outage.on = true
    const result = task.result()
    await expect.poll(() => watched.outage.refused).toBeGreaterThan(1)
    watched.outage.on = false
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    watched.outage.on = true
    await watched.worker.finish()
    await expect.poll(() => watched.outage.refused).toBeGreaterThan(3)
    watched.outage.on = false
    expect(await result).toBe('result')
  })

  test('a timeout holds over an outage too', async () => {
    const task = await watched.create('a')
    watched.outage.on = true
    await expect(task.result({ timeout: 100 })).rejects.toMatchObject({ code: 'WaitTimeout' })
  })

  test('a task that is removed in the meantime is said to be unknown', async () => {
    const task = await watched.create('a')
    const result = task.result()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    watched.subscriptions.deaf = true
    await watched.worker.finish()
    await task.remove()
    watched.subscriptions.break()
    await expect(result).rejects.toMatchObject({ code: 'UnknownTask' })
  })
})

describe('waits of a handler', () => {
  test('end with its signal, and leave nothing that goes on asking', async () => {
    const { id } = await watched.create('a')
    const ending = new AbortController()
    const task = scopedTaskManager(watched.manager, { signal: ending.signal }).task(id)
    const own = new AbortController()
    const waits = [task.wait(), task.result({ timeout: '1m' }), task.wait({ signal: own.signal })]
    const watching = task.watch()[Symbol.asyncIterator]()
    await watching.next()
    const reason = new Error('it was cancelled')
    ending.abort(reason)
    for (const wait of waits) await expect(wait).rejects.toBe(reason)
    expect(await watching.next()).toMatchObject({ done: true })
    await expect.poll(() => watched.subscriptions.open, { timeout: 5000 }).toBe(0)
  })
})

test('a wait may be longer than a timer of Node', async () => {
  const task = await watched.create('a')
  const result = task.result({ timeout: '30d' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  await watched.worker.finish()
  expect(await result).toBe('result')
})
