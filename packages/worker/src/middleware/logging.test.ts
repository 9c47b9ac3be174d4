import { createApp, defineTask } from '@ds/core'
import { expect, it } from 'vitest'
import { collectingLogger } from '../../test/collecting-logger.ts'
import { startWorker } from '../../test/start-worker.ts'
import { until } from '../../test/until.ts'
import { logging } from './logging.ts'

const greet = defineTask('greet', ({ secret }: { secret: string }) => `whispered ${secret}`)
const failing = defineTask('failing', { maxRetries: 1, backoff: () => 5 }, () => {
  throw new TypeError('boom')
})
const endless = defineTask('endless', async (_args: null, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw signal.reason as Error
})

it('writes when a task starts and how it ended, with the time it took, and no args or results', async () => {
  const app = createApp('app', [greet]).use(logging())
  const { manager, lines } = await startWorker(app)
  await (await manager.create(greet, { secret: 'xyzzy' }, { id: 'g' })).result()
  const fields = { task: 'g', attempt: 1 }
  expect(lines.slice(1)).toEqual([
    { level: 'info', message: 'greet started', fields },
    { level: 'info', message: 'greet done', fields: { ...fields, duration: expect.any(Number) as number } },
  ])
  expect(JSON.stringify(lines)).not.toContain('xyzzy')
})

it('writes each failure once: as a warning while it is retried, then as an error with its place', async () => {
  const app = createApp('app', [failing]).use(logging())
  const { manager, finished, lines } = await startWorker(app)
  await finished((await manager.create(failing, null)).id)
  expect(lines.filter(({ message }) => message.includes('failed'))).toMatchObject([
    { level: 'warn', message: 'failing failed: TypeError: boom', fields: { attempt: 1, retryIn: 5 } },
    {
      level: 'error',
      message: 'failing failed: TypeError: boom',
      fields: { attempt: 2, at: expect.stringContaining('logging.test.ts') as string },
    },
  ])
})

it('writes of cancels, to the logger it was given', async () => {
  const { logger, lines } = collectingLogger()
  const app = createApp('app', [endless]).use(logging({ logger }))
  const { manager, worker, finished } = await startWorker(app)
  const handle = await manager.create(endless, null)
  await until(() => worker.status().running.length === 1)
  await handle.cancel()
  await finished(handle.id)
  expect(lines.map(({ message }) => message)).toEqual(['endless started', 'endless cancelled'])
})
