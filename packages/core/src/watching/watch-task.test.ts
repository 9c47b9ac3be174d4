import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collect, ERROR, openWatched, versionsGrow } from '../../test/watched-broker.ts'
import type { Watched } from '../../test/watched-broker.ts'
import type { TaskEvent } from '../events.ts'

let watched: Watched

beforeEach(async () => {
  watched = await openWatched()
})

afterEach(() => watched[Symbol.asyncDispose]())

/** Until a watch knows how its task is. */
async function snapshotTaken(): Promise<void> {
  await expect.poll(() => watched.gets).toBeGreaterThan(0)
}

describe('watch', () => {
  test('tells how the task is, then each change, and ends with it', async () => {
    const task = await watched.create('a')
    const events = collect(task.watch())
    await snapshotTaken()
    const delivery = await watched.worker.take()
    await watched.worker.progress(delivery, 0.25)
    await watched.worker.progress(delivery, 0.5)
    await watched.worker.settle(delivery, { type: 'done', result: '1' })
    expect((await events).map(({ type, progress, version }) => [type, progress, version])).toEqual([
      ['QueuedEvent', 0, 1],
      ['StartedEvent', 0, 2],
      ['ProgressEvent', 0.25, 3],
      ['ProgressEvent', 0.5, 4],
      ['ResultEvent', 1, 5],
    ])
  })

  test('begins with how a running task is', async () => {
    const task = await watched.create('a')
    const delivery = await watched.worker.take()
    await watched.worker.progress(delivery, 0.5)
    const events = collect(task.watch())
    await snapshotTaken()
    await watched.worker.settle(delivery, { type: 'error', error: ERROR })
    expect(await events).toMatchObject([
      { type: 'ProgressEvent', state: 'RUNNING', progress: 0.5, attempt: 1 },
      { type: 'ErrorEvent', state: 'ERROR', error: ERROR },
    ])
  })

  test('of a task that has ended tells that, and ends', async () => {
    const task = await watched.create('a')
    await watched.worker.finish()
    expect(await collect(task.watch())).toMatchObject([{ type: 'ResultEvent', state: 'DONE', progress: 1 }])
  })

  test('goes on for a task that is run again', async () => {
    const task = await watched.create('a')
    await watched.worker.finish({ type: 'error', error: ERROR })
    await task.retry()
    const events = collect(task.watch())
    await snapshotTaken()
    await watched.worker.finish()
    expect((await events).map(({ type }) => type)).toEqual(['QueuedEvent', 'StartedEvent', 'ResultEvent'])
  })

  test('each loop over it is a watch of its own', async () => {
    const watch = (await watched.create('a')).watch()
    const loops = [collect(watch), collect(watch)]
    await snapshotTaken()
    await watched.worker.finish()
    const [first, second] = await Promise.all(loops)
    expect(first).toEqual(second)
    expect(first).toHaveLength(3)
    expect(await collect(watch)).toHaveLength(1)
  })

  test('a loop that throws does not disturb the others', async () => {
    const task = await watched.create('a')
    const failing = (async () => {
      for await (const event of task.watch()) if (event.state === 'RUNNING') throw new Error('in the loop')
    })()
    const good = collect(task.watch())
    const result = task.result()
    await snapshotTaken()
    await watched.worker.finish()
    await expect(failing).rejects.toThrow('in the loop')
    expect(await good).toHaveLength(3)
    expect(await result).toBe('result')
  })

  test('ends with its signal, also one that fired before', async () => {
    const task = await watched.create('a')
    const ending = new AbortController()
    const events = collect(task.watch({ signal: ending.signal }))
    await snapshotTaken()
    ending.abort()
    expect((await events).length).toBeLessThanOrEqual(1)
    expect(await collect(task.watch({ signal: ending.signal }))).toEqual([])
  })

  test('ends with the manager', async () => {
    const events = collect((await watched.create('a')).watch())
    await snapshotTaken()
    await watched.manager.close()
    expect((await events).length).toBeLessThanOrEqual(1)
  })

  test('can be stepped by hand, with steps that overlap and an end in the middle of one', async () => {
    const task = await watched.create('a')
    const iterator = task.watch()[Symbol.asyncIterator]()
    const steps = [iterator.next(), iterator.next(), iterator.next(), iterator.next()]
    await snapshotTaken()
    const delivery = await watched.worker.take()
    expect(await steps[0]).toMatchObject({ value: { type: 'QueuedEvent' } })
    expect(await steps[1]).toMatchObject({ value: { type: 'StartedEvent' } })
    await iterator.return?.()
    expect(await steps[2]).toEqual({ done: true, value: undefined })
    expect(await steps[3]).toEqual({ done: true, value: undefined })
    await watched.worker.settle(delivery, { type: 'done', result: '1' })
  })

  test('says with a ResyncEvent that events may be missing, and how the task is now', async () => {
    const task = await watched.create('a')
    const events = collect(task.watch())
    await snapshotTaken()
    const delivery = await watched.worker.take()
    watched.subscriptions.deaf = true
    await watched.worker.progress(delivery, 0.7)
    const gets = watched.gets
    watched.subscriptions.break()
    await expect.poll(() => watched.gets).toBeGreaterThan(gets)
    watched.subscriptions.deaf = false
    await watched.worker.settle(delivery, { type: 'done', result: '1' })
    expect((await events).map(({ type, progress }) => [type, progress])).toEqual([
      ['QueuedEvent', 0],
      ['StartedEvent', 0],
      ['ResyncEvent', 0.7],
      ['ResultEvent', 1],
    ])
  })

  test('a slow reader watched.gets the newest and the final event, and its buffer stays bounded', async () => {
    const task = await watched.create('a')
    const iterator = task.watch()[Symbol.asyncIterator]()
    await iterator.next()
    const delivery = await watched.worker.take()
    for (let step = 1; step <= 40_000; step += 1) await watched.worker.progress(delivery, step / 40_001)
    await watched.worker.settle(delivery, { type: 'done', result: '1' })
    const events: TaskEvent[] = []
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) events.push(next.value)
    // There are two buffers on the way, of 10,000 each.
    expect(events.length).toBeLessThan(20_001)
    expect(events.at(-1)).toMatchObject({ type: 'ResultEvent', state: 'DONE' })
    expect(versionsGrow(events)).toBe(true)
  })
})
