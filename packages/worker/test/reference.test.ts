import path from 'node:path'
import { createApp, createMemoryBroker, defineTask } from '@ds/core'
import type { MemoryBroker } from '@ds/core'
import { describe, expect, it } from 'vitest'
import { startProgram } from './program.ts'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs/worker-program.ts')

class ListedError extends Error {
  override name = 'ListedError'
}

const asynchronous = defineTask('hello_async', async ({ greeted }: { greeted: string }) => {
  await wait(1)
  return `Hello ${greeted}!`
})
const synchronous = defineTask('hello_sync', ({ greeted }: { greeted: string }) => `Hello ${greeted}!`)
const recovering = defineTask(
  'recovering',
  { maxRetries: 2, retryOn: [ListedError], backoff: () => 1 },
  (_args: null, { attempt }) => {
    if (attempt === 1) throw new ListedError('for now')
    return 'recovered'
  },
)
const fatal = defineTask('fatal', { maxRetries: 2, retryOn: [ListedError] }, () => {
  throw new TypeError('not listed')
})
/** Ends when it is told to. */
const untilAborted = defineTask('until_aborted', async (_args: null, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw signal.reason as Error
})
const slow = defineTask('slow', { timeout: 20 }, async (_args: null, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw signal.reason as Error
})
const camelCase = defineTask('camel_case', ({ someArg }: { someArg: { innerArg: number } }) => someArg.innerArg)
const app = createApp('reference', [asynchronous, synchronous, recovering, fatal, untilAborted, slow, camelCase])

describe('acceptance list of the reference: worker', () => {
  it('async task, sync task, camelCase args', async () => {
    const { manager } = await startWorker(app)
    expect(await (await manager.create(asynchronous, { greeted: 'world' })).result()).toBe('Hello world!')
    expect(await (await manager.create(synchronous, { greeted: 'world' })).result()).toBe('Hello world!')
    expect(await (await manager.create(camelCase, { someArg: { innerArg: 3 } })).result()).toBe(3)
  })

  it('recovers from a listed error', async () => {
    const { manager } = await startWorker(app)
    const handle = await manager.create(recovering, null)
    expect(await handle.result()).toBe('recovered')
    expect(await handle.get()).toMatchObject({ attempt: 2, failures: 1 })
  })

  it('fatal error, and keeps working after it', async () => {
    const { manager, finished } = await startWorker(app)
    expect(await finished((await manager.create(fatal, null)).id)).toMatchObject({ state: 'ERROR', attempt: 1 })
    expect(await (await manager.create(synchronous, { greeted: 'again' })).result()).toBe('Hello again!')
  })

  it('unregistered task', async () => {
    const { broker, manager, finished } = await startWorker(app, { unregistered: { maxRetries: 0 } })
    await submit(broker, 'unknown_name')
    expect(await finished('s')).toMatchObject({ state: 'ERROR' })
    expect(await manager.task('s').errors()).toMatchObject([{ error: { name: 'UnregisteredTask' } }])
  })

  it('does not run a cancelled task', async () => {
    const broker = createMemoryBroker()
    await submit(broker, 'hello_sync')
    await broker.cancel('s', { requeue: false })
    const { manager, worker } = await startWorker(app, { broker, concurrency: 1 })
    await (await manager.create(synchronous, { greeted: 'next' })).result()
    expect(worker.status().counts.started).toBe(1)
    expect(await manager.get('s')).toMatchObject({ state: 'CANCELLED', attempt: 0 })
  })

  it.each([false, true])('cancels a running task, requeue %s', async (requeue) => {
    const { manager, worker } = await startWorker(app, { concurrency: 1 })
    const handle = await manager.create(untilAborted, null)
    await until(() => worker.status().counts.started === 1)
    await handle.cancel({ requeue })
    if (requeue) await until(() => worker.status().counts.started === 2)
    else await until(async () => (await handle.get()).state === 'CANCELLED')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('%s', async (signal) => {
    const program = startProgram(PROGRAM, ['obedient', 'null', '0s'])
    await program.prints('running\n')
    program.signal(signal)
    expect(await program.ended).toBe(0)
    expect(program.output()).toContain('"state":"QUEUED"')
  })

  it('timeout', async () => {
    const { manager, finished } = await startWorker(app)
    const handle = await manager.create(slow, null)
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR' })
    expect(await handle.errors()).toMatchObject([{ error: { name: 'TaskTimeout' } }])
  })

  it('shutdown, idle and running', async () => {
    const idle = await startWorker(app)
    await idle.worker.stop()
    await expect(idle.running).resolves.toBeUndefined()
    const busy = await startWorker(app)
    const handle = await busy.manager.create(untilAborted, null)
    await until(() => busy.worker.status().running.length === 1)
    await busy.worker.stop()
    await expect(busy.running).resolves.toBeUndefined()
    expect(await handle.get()).toMatchObject({ state: 'QUEUED', failures: 0 })
  })

  it('undecodable message', async () => {
    const { broker, manager } = await startWorker(app)
    broker.addBytes('default', Buffer.from('{"@type": "Ta'))
    expect(await (await manager.create(synchronous, { greeted: 'world' })).result()).toBe('Hello world!')
    expect((await manager.parked.list({ limit: 10 })).items).toHaveLength(1)
  })
})

describe('defects of the reference', () => {
  it('1. a task without options that raises, and bytes nobody can decode, stop neither worker nor watchers', async () => {
    const raising = defineTask('raising', () => {
      throw new Error('boom')
    })
    const { broker, manager, finished } = await startWorker(createApp('app', [raising, synchronous]))
    const seen: string[] = []
    const watching = new AbortController()
    const watched = (async () => {
      for await (const event of manager.watch({ signal: watching.signal })) seen.push(`${event.name} ${event.state}`)
    })()
    expect(await finished((await manager.create(raising, null)).id)).toMatchObject({ state: 'ERROR', attempt: 1 })
    broker.addBytes('default', Buffer.from([0xff, 0x00]))
    expect(await (await manager.create(synchronous, { greeted: 'on' })).result()).toBe('Hello on!')
    await until(() => seen.includes('hello_sync DONE'))
    expect(seen).toContain('raising ERROR')
    watching.abort()
    await watched.catch(() => undefined)
  })

  it('2. a queued task that is cancelled never runs, and a second cancel of one id is heard', async () => {
    const { manager, worker } = await startWorker(app, { concurrency: 1 })
    const running = await manager.create(untilAborted, null)
    await until(() => worker.status().counts.started === 1)
    const queued = await manager.create(untilAborted, null)
    expect(await queued.cancel()).toBe('cancelled')
    await running.cancel({ requeue: true })
    await until(() => worker.status().counts.started === 2)
    expect(await running.cancel()).toBe('requested')
    await until(async () => (await running.get()).state === 'CANCELLED')
    expect(await queued.get()).toMatchObject({ state: 'CANCELLED', attempt: 0 })
  })

  it('3. a cancel with requeue puts the task back, and the worker goes on', async () => {
    const { manager, worker } = await startWorker(app, { concurrency: 1 })
    const handle = await manager.create(untilAborted, null)
    await until(() => worker.status().counts.started === 1)
    const behind = await manager.create(synchronous, { greeted: 'behind' })
    await handle.cancel({ requeue: true })
    expect(await behind.result()).toBe('Hello behind!')
    await until(() => worker.status().counts.started === 3)
    expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 2 })
  })

  it('4. a timeout does not taint the next cancel, nor a cancel the next timeout, and a task’s own timeout counts', async () => {
    const { manager, worker, finished } = await startWorker(app, { concurrency: 1 })
    for (let round = 0; round < 2; round += 1) {
      const timedOut = await manager.create(slow, null)
      expect(await finished(timedOut.id)).toMatchObject({ state: 'ERROR', failures: 1 })
      expect(await timedOut.errors()).toMatchObject([{ error: { name: 'TaskTimeout' } }])
      const cancelled = await manager.create(untilAborted, null)
      await until(() => worker.status().running.some(({ task }) => task.id === cancelled.id))
      await cancelled.cancel()
      expect(await finished(cancelled.id)).toMatchObject({ state: 'CANCELLED', failures: 0 })
      expect(await cancelled.errors()).toEqual([])
    }
  })

  it('4. a synchronous task times out as well, where it is isolated', async () => {
    const file = path.join(import.meta.dirname, 'apps/isolated-app.ts')
    const { manager, finished } = await startWorker(file)
    const handle = await manager.create('thread_slow_spin', null)
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', failures: 1 })
    expect(await handle.errors()).toMatchObject([{ error: { name: 'TaskTimeout' } }])
  })

  it('5. outcomes that arrive twice count once, and late progress does not revive a queued retry', async () => {
    const broker = createMemoryBroker()
    const openConsumer = broker.openConsumer.bind(broker)
    broker.openConsumer = async (options) => {
      const consumer = await openConsumer(options)
      const settle = consumer.settle.bind(consumer)
      consumer.settle = async (items) => {
        const answers = await settle(items)
        await settle(items)
        await consumer.renew(items.map(({ lease }) => ({ lease, progress: 0.9 })))
        return answers
      }
      return consumer
    }
    const starts: number[] = []
    const failing = defineTask('failing', { maxRetries: 2, backoff: () => 30 }, (_args: null, { attempt }) => {
      starts.push(attempt)
      throw new Error(`failure ${attempt}`)
    })
    const { manager, finished } = await startWorker(createApp('app', [failing]), { broker })
    const handle = await manager.create(failing, null)
    await until(async () => (await handle.get()).failures === 1)
    expect(await handle.get()).toMatchObject({ state: 'QUEUED', progress: 0 })
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 3, failures: 3 })
    expect(starts).toEqual([1, 2, 3])
    expect(await handle.errors()).toHaveLength(3)
  })

  it('7. SIGTERM is handled, and a task that is given up is not left RUNNING', async () => {
    const program = startProgram(PROGRAM, ['endless', 'null', '0s'])
    await program.prints('running\n')
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    expect(program.output()).toContain('"state":"QUEUED"')
    const { manager, finished } = await startWorker(path.join(import.meta.dirname, 'apps/isolated-app.ts'))
    const dying = await manager.create('process_die', null)
    expect(await finished(dying.id)).toMatchObject({ state: 'ERROR', crashes: 2 })
  })
})

/** Puts a task `s` of any name into the queue, as a manager without the App does. */
async function submit(broker: MemoryBroker, name: string): Promise<void> {
  const args = JSON.stringify({ greeted: 'world' })
  const task = {
    id: 's',
    incarnation: 'i',
    name,
    group: 'default',
    queue: 'default',
    args,
    maxRetries: 0,
    maxCrashes: 3,
  }
  await broker.submit([task])
}
