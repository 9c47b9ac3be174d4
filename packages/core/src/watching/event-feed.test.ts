import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { alteredBroker } from '../../test/altered-broker.ts'
import { collect, openWatched } from '../../test/watched-broker.ts'
import type { Watched } from '../../test/watched-broker.ts'
import { createTaskManager } from '../manager/create-task-manager.ts'

let watched: Watched

beforeEach(async () => {
  watched = await openWatched()
})

afterEach(() => watched[Symbol.asyncDispose]())

describe('the subscription', () => {
  test('is opened by the first who needs it and closed soon after the last', async () => {
    const task = await watched.create('a')
    expect(watched.subscriptions.opened).toBe(0)
    const iterators = [task.watch(), task.watch()].map((watch) => watch[Symbol.asyncIterator]())
    for (const iterator of iterators) await iterator.next()
    const result = task.result()
    expect(watched.subscriptions).toMatchObject({ opened: 1, open: 1 })
    await watched.worker.finish()
    await result
    for (const iterator of iterators) await iterator.return?.()
    await expect.poll(() => watched.subscriptions.open, { timeout: 5000 }).toBe(0)
    const again = await watched.create('b')
    const second = again.watch()[Symbol.asyncIterator]()
    await second.next()
    expect(watched.subscriptions).toMatchObject({ opened: 2, open: 1 })
    await second.return?.()
  })

  test('whose broker fails for good fails those who wait', async () => {
    const failing = await alteredBroker(() => ({
      get: () => Promise.reject(new TypeError('a bug of the adapter')),
      result: () => Promise.resolve(undefined),
    }))
    const other = createTaskManager(failing)
    const task = await other.create('t', null, { group: 'default' })
    await expect(task.result()).rejects.toMatchObject({ code: 'BrokerRefused' })
    await expect(collect(task.watch())).rejects.toThrow('a bug of the adapter')
    await other.close()
    await failing.close()
  })

  test('that cannot be opened at all fails those who wait', async () => {
    const refusing = await alteredBroker(() => ({
      subscribe: () => Promise.reject(new Error('not allowed')),
    }))
    const other = createTaskManager(refusing)
    const task = await other.create('t', null, { group: 'default' })
    await expect(task.result()).rejects.toThrow('not allowed')
    await expect(collect(task.watch())).rejects.toThrow('not allowed')
    await expect(collect(other.watch())).rejects.toThrow('not allowed')
    await other.close()
    await refusing.close()
  })
})
