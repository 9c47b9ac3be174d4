import { createApp, defineTask } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

const double = defineTask('double', async (value: number) => {
  await wait(2)
  return value * 2
})

it('ends a task that waits for its subtask at concurrency 1, and makes it the parent', async () => {
  const parent = defineTask('parent', async (value: number, { manager }) => {
    const child = await manager.create(double, value, { id: 'child' })
    return (await child.result()) + 1
  })
  const { manager } = await startWorker(createApp('app', [parent, double]), { concurrency: 1 })
  expect(await (await manager.create(parent, 20, { id: 'parent' })).result()).toBe(41)
  expect(await manager.get('child')).toMatchObject({ parentId: 'parent' })
})

it('ends tasks nested ten deep at concurrency 1', async () => {
  const deep = defineTask('deep', async (level: number, { manager }): Promise<number> => {
    if (level === 0) return 0
    const child = await manager.create('deep', level - 1)
    return ((await child.result()) as number) + 1
  })
  const { manager } = await startWorker(createApp('app', [deep]), { concurrency: 1 })
  expect(await (await manager.create(deep, 10)).result()).toBe(10)
})

it.each([1, 3])('ends many tasks that each wait for many subtasks at concurrency %i', async (concurrency) => {
  const sum = defineTask('sum', async (count: number, { manager }) => {
    const children = await manager.create(
      Array.from({ length: count }, (_, index) => ({ name: 'double', args: index })),
    )
    const results = (await Promise.all(children.map((child) => child.result()))) as number[]
    return results.reduce((total, result) => total + result, 0)
  })
  const { manager, worker } = await startWorker(createApp('app', [sum, double]), { concurrency })
  const parents = await manager.create(Array.from({ length: 20 }, () => ({ name: 'sum', args: 10 })))
  expect(await Promise.all(parents.map((parent) => parent.result()))).toEqual(parents.map(() => 90))
  await until(() => worker.status().counts.done === 220)
})

it('waits by wait() and watch() as well without holding its slot', async () => {
  const watcher = defineTask('watcher', async (_args: null, { manager }) => {
    const states: string[] = []
    const first = await manager.create(double, 1)
    for await (const event of first.watch()) states.push(event.state)
    const second = await manager.create(double, 2)
    states.push((await second.wait()).state)
    return states
  })
  const { manager } = await startWorker(createApp('app', [watcher, double]), { concurrency: 1 })
  const states = await (await manager.create(watcher, null)).result()
  expect(states.slice(-2)).toEqual(['DONE', 'DONE'])
})

it('runs no more at once than it has slots, those that come back included', async () => {
  let running = 0
  let most = 0
  const busy = async (): Promise<void> => {
    running += 1
    most = Math.max(most, running)
    await wait(3)
    running -= 1
  }
  const leaf = defineTask('leaf', busy)
  const branch = defineTask('branch', async (_args: null, { manager }) => {
    await busy()
    await (await manager.create(leaf, null)).result()
    await busy()
  })
  const { manager } = await startWorker(createApp('app', [leaf, branch]), { concurrency: 2 })
  const branches = await manager.create(Array.from({ length: 12 }, () => ({ name: 'branch', args: null })))
  await Promise.all(branches.map((handle) => handle.result()))
  // One more may start in the moment in which a waiting one takes back a slot that was being filled.
  expect(most).toBeLessThanOrEqual(3)
})

it('ends the wait of a handler that is cancelled, and leaves the subtask alone', async () => {
  const end = Promise.withResolvers<number>()
  const endless = defineTask('endless', () => end.promise)
  const parent = defineTask('parent', async (_args: null, { manager }) => {
    await (await manager.create(endless, null, { id: 'child' })).result()
  })
  const { manager, finished } = await startWorker(createApp('app', [parent, endless]), { concurrency: 1 })
  const handle = await manager.create(parent, null)
  await until(async () => (await manager.get('child'))?.state === 'RUNNING')
  await handle.cancel()
  end.resolve(1)
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED' })
  expect(await finished('child')).toMatchObject({ state: 'DONE' })
})

it('gives the error of a failed subtask to its parent', async () => {
  const failing = defineTask('failing', () => {
    throw new TypeError('no such page')
  })
  const parent = defineTask('parent', async (_args: null, { manager }) =>
    (await manager.create(failing, null)).result(),
  )
  const { manager, finished } = await startWorker(createApp('app', [parent, failing]), { concurrency: 1 })
  const handle = await manager.create(parent, null)
  expect(await finished(handle.id)).toMatchObject({ state: 'ERROR' })
  expect(await handle.errors()).toMatchObject([
    { error: { name: 'TaskFailed', message: expect.stringContaining('no such page') as string } },
  ])
})
