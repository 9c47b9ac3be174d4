import { createApp, defineTask } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

it('fires the signal at the timeout of the definition, then counts an error that the policy may retry', async () => {
  const reasons: unknown[] = []
  const slow = defineTask('slow', { timeout: 30, maxRetries: 1, backoff: () => 5 }, async (_args: null, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    reasons.push(signal.reason)
    signal.throwIfAborted()
  })
  const { manager, finished } = await startWorker(createApp('app', [slow]))
  const task = await finished((await manager.create(slow, null)).id)
  expect(task).toMatchObject({ state: 'ERROR', attempt: 2, failures: 2 })
  expect(reasons).toMatchObject([{ kind: 'timeout' }, { kind: 'timeout' }])
  expect(await manager.task(task.id).errors()).toMatchObject([
    { error: { name: 'TaskTimeout', message: expect.stringContaining('timeout of 30 ms') as string } },
    { error: { name: 'TaskTimeout' } },
  ])
})

it('keeps the lease of a handler that goes on after its timeout, and takes no result from it', async () => {
  const deaf = defineTask('deaf', { timeout: 20 }, () => wait(500).then(() => 'too late'))
  const { manager, finished } = await startWorker(createApp('app', [deaf]), { lease: 150 })
  const handle = await manager.create(deaf, null)
  await wait(300)
  expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 1 })
  expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 1, crashes: 0 })
  expect(await handle.errors()).toMatchObject([{ error: { name: 'TaskTimeout' } }])
})

it('says nothing of a timeout to a task that ends in time', async () => {
  const quick = defineTask('quick', { timeout: '20s' }, (_args: null, { signal }) => signal.aborted)
  const { manager } = await startWorker(createApp('app', [quick]))
  expect(await (await manager.create(quick, null)).result()).toBe(false)
})

it('counts a timeout that a cancel follows as the cancel, for that is what was asked for', async () => {
  const end = Promise.withResolvers<void>()
  const deaf = defineTask('deaf', { timeout: 20, maxRetries: 3 }, () => end.promise)
  const { manager, worker, finished } = await startWorker(createApp('app', [deaf]))
  const handle = await manager.create(deaf, null)
  await until(() => worker.status().running[0]?.aborted === 'timeout')
  await handle.cancel()
  end.resolve()
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED', failures: 0 })
})
