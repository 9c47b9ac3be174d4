import { createApp, createMemoryBroker, defineTask } from '@ds/core'
import type { App, MemoryBroker, TaskAbortedError } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

/** Waits for its signal and ends as it is told to: by throwing the reason, another error, or with a result. */
function patientApp(): { app: App; reasons: unknown[]; starts: () => number } {
  const reasons: unknown[] = []
  let starts = 0
  const patient = defineTask('patient', { maxRetries: 3, backoff: () => 5 }, async (end: string, { signal }) => {
    starts += 1
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    reasons.push(signal.reason)
    if (end === 'result') return 'finished all the same'
    throw end === 'reason' ? (signal.reason as Error) : new TypeError('connection closed')
  })
  const quick = defineTask('quick', () => 'quick')
  return { app: createApp('app', [patient, quick]), reasons, starts: () => starts }
}

it.each(['reason', 'other error'])('cancels a running task whose handler ends by the %s', async (end) => {
  const { app, reasons } = patientApp()
  const { manager, worker, finished } = await startWorker(app)
  const handle = await manager.create('patient', end)
  await until(() => worker.status().running.length === 1)
  expect(await handle.cancel()).toBe('requested')
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED', attempt: 1, failures: 0 })
  expect(reasons).toMatchObject([{ name: 'TaskAborted', kind: 'cancelled' } satisfies Partial<TaskAbortedError>])
  expect(worker.status().counts).toMatchObject({ cancelled: 1 })
})

it('lets a result win over a cancel', async () => {
  const { app } = patientApp()
  const { manager, worker, finished } = await startWorker(app)
  const handle = await manager.create('patient', 'result')
  await until(() => worker.status().running.length === 1)
  await handle.cancel()
  expect(await finished(handle.id)).toMatchObject({ state: 'DONE' })
})

it('puts a cancelled task back in its queue when asked to, and a second cancel works', async () => {
  const { app, starts } = patientApp()
  const { manager, worker, finished } = await startWorker(app)
  const handle = await manager.create('patient', 'reason')
  await until(() => starts() === 1)
  await handle.cancel({ requeue: true })
  await until(() => starts() === 2)
  expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 2, progress: 0, failures: 0 })
  await handle.cancel()
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED', attempt: 2 })
  expect(worker.status().counts).toMatchObject({ started: 2, cancelled: 2 })
})

it('does not start a task that was cancelled while it was queued', async () => {
  const { app, starts } = patientApp()
  const broker = createMemoryBroker()
  const { manager, worker } = await startWorker(app, { broker, concurrency: 1 })
  const first = await manager.create('patient', 'reason')
  await until(() => starts() === 1)
  const second = await manager.create('patient', 'reason')
  expect(await second.cancel()).toBe('cancelled')
  await first.cancel()
  expect(await (await manager.create('quick', null)).result()).toBe('quick')
  expect(starts()).toBe(1)
  expect(await second.get()).toMatchObject({ state: 'CANCELLED', attempt: 0 })
  expect(worker.status().counts).toMatchObject({ started: 2 })
})

/** Its cancels are not broadcast: workers hear of them by their renewals alone. */
function withoutBroadcast(): MemoryBroker {
  const broker = createMemoryBroker()
  const openConsumer = broker.openConsumer.bind(broker)
  broker.openConsumer = (options) => openConsumer({ ...options, onCancel: () => undefined })
  return broker
}

it('hears of a cancel at the next renewal when the broadcast is lost', async () => {
  const { app } = patientApp()
  const { manager, worker, finished } = await startWorker(app, { broker: withoutBroadcast(), lease: 300 })
  const handle = await manager.create('patient', 'reason')
  await until(() => worker.status().running.length === 1)
  await handle.cancel()
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED' })
})

it('takes no notice of a cancel that was meant for another attempt', async () => {
  const { app, reasons } = patientApp()
  const broker = createMemoryBroker()
  let late: ((attempt: number) => void) | undefined
  const openConsumer = broker.openConsumer.bind(broker)
  broker.openConsumer = (options) => {
    late = (attempt) => options.onCancel({ taskId: 'p', attempt, requeue: false })
    return openConsumer(options)
  }
  const { manager, worker } = await startWorker(app, { broker })
  await manager.create('patient', 'reason', { id: 'p' })
  await until(() => worker.status().running.length === 1)
  late?.(7)
  await wait(20)
  expect(reasons).toEqual([])
  late?.(1)
  await until(() => reasons.length === 1)
})

it('gives an aborted signal to a handler that asks for it only after the cancel', async () => {
  const seen: unknown[] = []
  const late = defineTask('late', async (_args: null, context) => {
    await until(() => worker.status().running[0]?.aborted === 'cancelled')
    seen.push(context.signal.aborted, (context.signal.reason as TaskAbortedError).kind)
    context.signal.throwIfAborted()
  })
  const { manager, worker, finished } = await startWorker(createApp('app', [late]))
  const handle = await manager.create(late, null)
  await until(() => worker.status().running.length === 1)
  await handle.cancel()
  expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED' })
  expect(seen).toEqual([true, 'cancelled'])
})

it('warns of an inline handler that ignores its signal, keeps its lease, and goes on waiting', async () => {
  const end = Promise.withResolvers<string>()
  const deaf = defineTask('deaf', { grace: 30 }, () => end.promise)
  const { manager, worker, finished, lines } = await startWorker(createApp('app', [deaf]), { lease: 1000 })
  const handle = await manager.create(deaf, null)
  await until(() => worker.status().running.length === 1)
  await handle.cancel()
  await until(() => lines.some(({ level }) => level === 'warn'))
  expect(lines.find(({ level }) => level === 'warn')?.message).toMatch(
    /^deaf goes on although its signal fired \(cancelled\).*isolation: 'thread' or 'process'/,
  )
  // More than two leases.
  await wait(2200)
  expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 1 })
  end.resolve('late')
  expect(await finished(handle.id)).toMatchObject({ state: 'DONE', attempt: 1 })
})

it('fires the signal with reason lease-lost when the lease is gone, and drops the outcome', async () => {
  const { app, reasons, starts } = patientApp()
  const broker = createMemoryBroker()
  const openConsumer = broker.openConsumer.bind(broker)
  let away = false
  broker.openConsumer = async (options) => {
    const consumer = await openConsumer(options)
    const renew = consumer.renew.bind(consumer)
    consumer.renew = (items) => (away ? Promise.reject(new Error('unreachable')) : renew(items))
    return consumer
  }
  const { manager, worker } = await startWorker(app, { broker, lease: 200 })
  const handle = await manager.create('patient', 'result')
  await until(() => starts() === 1)
  away = true
  await until(async () => (await handle.get()).crashes === 1)
  away = false
  await until(() => reasons.length > 0)
  expect(reasons).toMatchObject([{ kind: 'lease-lost' }])
  await until(() => starts() === 2)
  expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 2, crashes: 1 })
  await handle.cancel()
  await until(() => worker.status().running.length === 0)
})
