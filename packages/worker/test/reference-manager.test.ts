import {
  createApp,
  createMemoryBroker,
  createTaskManager,
  defineTask,
  encodeEvent,
  exponential,
  guardBroker,
  loadApp,
} from '@ds/core'
import type { TaskEvent } from '@ds/core'
import { STATE_CASES } from '@ds/core/testing'
import { describe, expect, it } from 'vitest'
import { metrics } from '../src/index.ts'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

const quick = defineTask('quick', ({ n }: { n: number }) => n)
const failing = defineTask('failing', () => {
  throw new RangeError('boom')
})
const grouped = defineTask('grouped', { group: 'gpu', maxQueued: 1 }, () => 'on gpu')
const untilAborted = defineTask('until_aborted', async (_args: null, { signal, progress }) => {
  progress(0.5)
  progress.flush()
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw signal.reason as Error
})
const app = createApp('reference', [quick, failing, grouped, untilAborted])

/** A manager with no worker. */
async function managerAlone(): Promise<ReturnType<typeof createTaskManager>> {
  const broker = guardBroker(createMemoryBroker())
  await broker.connect({ timeout: 1000 })
  return createTaskManager(broker, { app, owned: true })
}

describe('acceptance list of the reference: broker side', () => {
  it('consumes its group and not another', async () => {
    const { manager } = await startWorker(app, { groups: ['gpu'] })
    const other = await manager.create(quick, { n: 1 })
    expect(await (await manager.create(grouped, undefined)).result()).toBe('on gpu')
    expect(await other.get()).toMatchObject({ state: 'QUEUED', attempt: 0 })
  })

  it('unregistered goes to the dead letters', async () => {
    const { manager, finished } = await startWorker(app, { unregistered: { maxRetries: 1, backoff: () => 5 } })
    const handle = await manager.create('forgotten', {}, { group: 'default' })
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 2 })
    expect((await handle.errors()).at(-1)?.error).toMatchObject({ name: 'UnregisteredTask' })
    expect(await manager.list({ state: 'ERROR' })).toHaveLength(1)
  })

  it('exact JSON of the events of a life', async () => {
    const { manager } = await startWorker(app)
    const seen: TaskEvent[] = []
    const handle = await manager.create(quick, { n: 1 }, { id: 't1', delay: 20 })
    for await (const event of handle.watch()) seen.push(event)
    const last = seen.at(-1)
    expect(last && JSON.parse(encodeEvent(last, { value: 1 }))).toEqual({
      '@type': 'ResultEvent',
      taskId: 't1',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      result: { '@type': 'TaskResult', value: 1 },
      name: 'quick',
      group: 'default',
      state: 'DONE',
      progress: 1,
      attempt: 1,
      retriesLeft: 0,
      version: 3,
    })
  })

  it('connection workflow', async () => {
    const manager = await managerAlone()
    expect(await manager.health()).toMatchObject({ ok: true })
    await manager.close()
    expect(await manager.health()).toMatchObject({ ok: false })
  })
})

describe('acceptance list of the reference: manager', () => {
  it('progress, error and cancelled events', async () => {
    const { manager } = await startWorker(app)
    const running = await manager.create(untilAborted, null)
    const types: string[] = []
    for await (const event of running.watch()) {
      types.push(event.type)
      if (event.type === 'ProgressEvent') expect(await running.cancel()).toBe('requested')
    }
    expect(types).toEqual(expect.arrayContaining(['ProgressEvent', 'CancelEvent', 'CancelledEvent']))
    const failed = await manager.create(failing, undefined)
    const events: TaskEvent[] = []
    for await (const event of failed.watch()) events.push(event)
    expect(events.at(-1)).toMatchObject({
      type: expect.stringMatching(/^(Error|Resync)Event$/) as string,
      state: 'ERROR',
    })
  })

  it('saves to the right group, refuses an unknown name', async () => {
    const manager = await managerAlone()
    expect(await (await manager.create(grouped, undefined)).get()).toMatchObject({ group: 'gpu', queue: 'gpu' })
    await expect(manager.create('unheard_of', {})).rejects.toMatchObject({ code: 'UnregisteredTask' })
    await manager.close()
  })

  it('enqueues twice under one id once, and answers when full', async () => {
    const manager = await managerAlone()
    const [first, second] = [
      await manager.create(grouped, undefined, { id: 'g' }),
      await manager.create(grouped, undefined, { id: 'g' }),
    ]
    expect([first.created, second.created]).toEqual([true, false])
    await expect(manager.create(grouped, undefined)).rejects.toMatchObject({ code: 'QueueFull' })
    await manager.close()
  })

  it('requeues and cancels', async () => {
    const { manager, finished } = await startWorker(app)
    const handle = await manager.create(untilAborted, null)
    await until(async () => (await handle.get()).state === 'RUNNING')
    await handle.cancel({ requeue: true })
    await until(async () => (await handle.get()).attempt === 2)
    expect(await handle.cancel()).toBe('requested')
    expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED' })
  })
})

describe('acceptance list of the reference: state, App and storage', () => {
  it('has at least its fifteen cases of state in the table that every broker is held to', () => {
    expect(STATE_CASES.length).toBeGreaterThanOrEqual(15)
  })

  it('loads a plugin by the name of its package, and filters by group', async () => {
    const { app: documents } = await loadApp('@ds/core', import.meta.dirname).catch((error: unknown) => ({
      app: error,
    }))
    expect(documents).toMatchObject({ code: 'AppInvalid' })
    expect(app.groups()).toEqual(['default', 'gpu'])
    expect([...app.tasks.values()].filter(({ options }) => options.group === 'gpu').map(({ name }) => name)).toEqual([
      'grouped',
    ])
  })

  it('saves, gets and filters; some fields never change; unknown ids are told apart', async () => {
    const { manager, finished } = await startWorker(app)
    const handle = await manager.create(quick, { n: 7 }, { id: 'kept', headers: { from: 'test' } })
    const { id, name, group, createdAt, incarnation, headers } = await handle.get()
    expect(await finished('kept')).toMatchObject({
      id,
      name,
      group,
      createdAt,
      incarnation,
      headers,
    })
    await finished((await manager.create(failing, undefined)).id)
    expect((await manager.list({ name: 'quick' })).map((task) => task.id)).toEqual(['kept'])
    expect(await manager.list({ state: 'ERROR', name: 'quick' })).toHaveLength(0)
    const nobody = manager.task('nobody')
    await expect(nobody.result()).rejects.toMatchObject({ code: 'UnknownTask' })
    await expect(nobody.errors()).rejects.toMatchObject({ code: 'UnknownTask' })
    expect(await manager.get('nobody')).toBeUndefined()
  })
})

describe('defects of the reference', () => {
  it('6: a task that ends at once is never stored as queued with a result, and a finished id creates nothing again', async () => {
    const { manager } = await startWorker(app)
    for (let n = 0; n < 200; n += 1) {
      const handle = await manager.create(quick, { n }, { id: `fast-${n}` })
      await handle.result()
      expect(await handle.get()).toMatchObject({ state: 'DONE', attempt: 1 })
    }
    const again = await manager.create(quick, { n: 0 }, { id: 'fast-0' })
    expect(again.created).toBe(false)
    expect(await again.get()).toMatchObject({ state: 'DONE', attempt: 1 })
  })

  it('8: an unknown id is an error of its own, filters are heeded, and no traceback reaches who asks', async () => {
    const { manager, finished } = await startWorker(app)
    await expect(manager.task('nobody').get()).rejects.toMatchObject({ code: 'UnknownTask' })
    const failed = await manager.create(failing, undefined)
    await finished(failed.id)
    expect((await manager.list({ name: 'failing', state: 'ERROR' })).map(({ id }) => id)).toEqual([failed.id])
    expect(await manager.list({ name: 'failing', state: 'DONE' })).toHaveLength(0)
    const error: unknown = await failed.result().catch((reason: unknown) => reason)
    expect(String(error)).not.toMatch(/\n\s+at /)
  })

  it('9: backoff, delay, schedule, concurrency, retention, composition and metrics are there', async () => {
    const starts: number[] = []
    const retried = defineTask('retried', { maxRetries: 2, backoff: exponential(40, { jitter: 0 }) }, () => {
      starts.push(performance.now())
      if (starts.length < 3) throw new Error('again')
    })
    let [running, most] = [0, 0]
    const overlapping = defineTask('overlapping', async () => {
      running += 1
      most = Math.max(most, running)
      await wait(20)
      running -= 1
    })
    const measures = metrics()
    const composed = createApp('composed', [app, retried, overlapping])
    composed.use(measures)
    const broker = createMemoryBroker({ retention: { count: 3 } })
    const { manager } = await startWorker(composed, { broker, concurrency: 5 })
    await (await manager.create('retried', null)).result()
    expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(39)
    expect((starts[2] ?? 0) - (starts[1] ?? 0)).toBeGreaterThanOrEqual(79)
    const createdAt = Date.now()
    await (await manager.create(quick, { n: 1 }, { runAt: new Date(createdAt + 60) })).result()
    expect(Date.now() - createdAt).toBeGreaterThanOrEqual(59)
    const many = await Promise.all(Array.from({ length: 5 }, () => manager.create(overlapping, undefined)))
    await Promise.all(many.map((handle) => handle.wait()))
    expect(most).toBe(5)
    expect((await manager.counts()).DONE).toBe(3)
    expect(measures.prometheus()).toContain('retried')
  })
})
