import { createApp, defineTask } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

it('logs with the task’s id, name and attempt', async () => {
  const chatty = defineTask('chatty', (_args: null, { logger }) => {
    logger.child({ page: 3 }).info('reading')
    return null
  })
  const { manager, lines } = await startWorker(createApp('app', [chatty]))
  await (await manager.create(chatty, null, { id: 'c' })).result()
  expect(lines).toContainEqual({
    level: 'info',
    message: 'reading',
    fields: { task: 'c', name: 'chatty', attempt: 1, page: 3 },
  })
})

it('sends progress while a task runs, the newest value and never back', async () => {
  const go = Promise.withResolvers<void>()
  const steady = defineTask('steady', async (_args: null, { progress }) => {
    progress(0.3)
    progress(0.1)
    await go.promise
    progress(0.8)
    progress.flush()
    await wait(50)
  })
  const { manager, finished, worker } = await startWorker(createApp('app', [steady]))
  const handle = await manager.create(steady, null)
  await until(async () => (await handle.get()).progress === 0.3)
  expect(worker.status().running[0]).toMatchObject({ progress: 0.3, isolation: 'inline' })
  go.resolve()
  await until(async () => (await handle.get()).progress === 0.8)
  expect(await finished(handle.id)).toMatchObject({ state: 'DONE', progress: 1 })
})

it('keeps the lease of a task that runs for many leases', async () => {
  const long = defineTask('long', () => wait(900))
  const { manager, finished } = await startWorker(createApp('app', [long]), { lease: 200 })
  expect(await finished((await manager.create(long, null)).id)).toMatchObject({ state: 'DONE', attempt: 1, crashes: 0 })
})

it('warns of a handler that blocks the event loop past half a lease, and names it', async () => {
  const blocking = defineTask('blocking', () => {
    const until = performance.now() + 700
    while (performance.now() < until);
  })
  const { manager, lines } = await startWorker(createApp('app', [blocking]), { lease: 1000 })
  await (await manager.create(blocking, null)).result()
  await until(() => lines.some(({ level }) => level === 'warn'))
  expect(lines.find(({ level }) => level === 'warn')?.message).toMatch(
    /^The event loop was blocked for \d+ ms while blocking ran/,
  )
})

it('tells observers of each run, and does not mind one that throws', async () => {
  const record: string[] = []
  const { manager, worker } = await startWorker(createApp('app', [defineTask('seen', () => 1)]), {
    observers: [
      {
        taskStarted: () => {
          throw new Error('careless')
        },
      },
      {
        taskStarted: ({ task }) => void record.push(`start ${task.name}`),
        taskEnded: ({ task, outcome, duration }) =>
          void record.push(`end ${task.name} ${outcome.type} ${duration >= 0 ? 'timed' : ''}`),
      },
    ],
  })
  await (await manager.create('seen', null)).result()
  expect(record).toEqual(['start seen', 'end seen done timed'])
  expect(worker.status().counts).toMatchObject({ started: 1, done: 1 })
})
