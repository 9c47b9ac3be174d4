import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openWatched, versionsGrow } from '../../test/watched-broker.ts'
import type { Watched } from '../../test/watched-broker.ts'
import type { TaskEvent } from '../events.ts'

let watched: Watched

beforeEach(async () => {
  watched = await openWatched()
})

afterEach(() => watched[Symbol.asyncDispose]())

describe('watch of all tasks', () => {
  test('tells of those that match, until it is left', async () => {
    const seen: string[] = []
    const watching = (async () => {
      for await (const { taskId, type } of watched.manager.watch({ name: 'u' })) {
        seen.push(`${taskId} ${type}`)
        if (type === 'ResultEvent') break
      }
    })()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    await watched.create('a')
    await watched.manager.create('u', null, { id: 'b', group: 'default' })
    await watched.worker.finish()
    await watched.worker.finish()
    await watching
    expect(seen).toEqual(['b QueuedEvent', 'b StartedEvent', 'b ResultEvent'])
    await expect.poll(() => watched.subscriptions.open, { timeout: 5000 }).toBe(0)
  })

  test('tells of each life of an id that is removed and created again', async () => {
    const seen: string[] = []
    const ending = new AbortController()
    const watching = (async () => {
      for await (const { type } of watched.manager.watch({ signal: ending.signal })) seen.push(type)
    })()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    const life = ['QueuedEvent', 'StartedEvent', 'ResultEvent']
    for (const lives of [life, [...life, ...life]]) {
      const task = await watched.create('nightly')
      await watched.worker.finish()
      await task.remove()
      await expect.poll(() => seen).toEqual(lives)
      // Lives are told apart by their times: one that begins in the very millisecond in which another ended looks like the old one.
      const ended = Date.now()
      await expect.poll(() => Date.now()).toBeGreaterThan(ended + 1)
    }
    ending.abort()
    await watching
  })

  test('after a break tells how the tasks are that had not ended, and those that came and went', async () => {
    const ending = new AbortController()
    const all: TaskEvent[] = []
    const watching = (async () => {
      for await (const event of watched.manager.watch({ signal: ending.signal })) all.push(event)
    })()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    await watched.create('a')
    await watched.create('b')
    await watched.worker.finish()
    await expect.poll(() => all).toHaveLength(4)
    watched.subscriptions.deaf = true
    await watched.worker.finish()
    await watched.create('c')
    await watched.worker.finish()
    watched.subscriptions.break()
    await expect.poll(() => all.some(({ type }) => type === 'ResyncEvent')).toBe(true)
    watched.subscriptions.deaf = false
    await watched.create('d')
    await expect.poll(() => all.at(-1)?.taskId).toBe('d')
    ending.abort()
    await watching
    const told = all.map(({ taskId, type, state }) => `${taskId} ${type} ${state}`)
    expect(told.slice(0, 4)).toEqual([
      'a QueuedEvent QUEUED',
      'b QueuedEvent QUEUED',
      'a StartedEvent RUNNING',
      'a ResultEvent DONE',
    ])
    expect(told.at(-1)).toBe('d QueuedEvent QUEUED')
    const resynced = told.slice(4, -1)
    expect(resynced).toContain('b ResyncEvent DONE')
    expect(resynced).toContain('c ResyncEvent DONE')
    for (const id of ['a', 'b', 'c']) expect(versionsGrow(all.filter(({ taskId }) => taskId === id))).toBe(true)
  })

  test('a reader that falls too far behind learns the state of all instead', async () => {
    const iterator = watched.manager.watch()[Symbol.asyncIterator]()
    const first = iterator.next()
    await expect.poll(() => watched.subscriptions.opened).toBe(1)
    await watched.create('first')
    await first
    const requests = Array.from({ length: 6000 }, (_, index) => ({
      name: 't',
      args: 1,
      id: `t${index}`,
      group: 'default',
    }))
    for (let start = 0; start < 6000; start += 1000) await watched.manager.create(requests.slice(start, start + 1000))
    for (let ended = 0; ended < 6001;) {
      const deliveries = await watched.worker.consumer.receive(1000, AbortSignal.timeout(5000))
      ended += deliveries.length
      await watched.worker.consumer.settle(
        deliveries.map(({ lease }) => ({ lease, outcome: { type: 'done', result: '1' } })),
      )
    }
    const states = new Map<string, string>()
    let count = 0
    while (states.get('first') !== 'DONE') {
      const step = await iterator.next()
      if (step.done) break
      states.set(step.value.taskId, step.value.state)
      count += 1
    }
    expect(states.get('first')).toBe('DONE')
    expect(count).toBeLessThan(20_000)
    await iterator.return?.()
  })
})
