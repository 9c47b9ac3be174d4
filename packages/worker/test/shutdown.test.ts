import { BrokerUnavailableError, createApp, createMemoryBroker, defineDependency, defineTask } from '@ds/core'
import type { TaskAbortedError } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'
import { brokerWith } from './watched-broker.ts'

it('stops at once while it is idle', async () => {
  const { worker, running } = await startWorker(createApp('app', [defineTask('noop', () => 1)]), { drain: '30s' })
  const before = performance.now()
  await worker.stop()
  await running
  expect(performance.now() - before).toBeLessThan(1000)
  expect(worker.status()).toMatchObject({ state: 'stopped', running: [] })
})

it('is stopped within its limits also while the setup of a dependency does not end', async () => {
  const stuck = defineDependency('stuck', { setup: () => new Promise<number>(() => undefined) })
  const app = createApp('app', [defineTask('x', { dependencies: [stuck] }, () => 1)])
  const { worker, running } = await startWorker(app, {}, { waits: false })
  await until(() => worker.status().address !== undefined)
  await worker.stop()
  await running
  expect(worker.status().state).toBe('stopped')
})

it('lets running tasks end, takes no new ones, and says what it waits for', async () => {
  const end = Promise.withResolvers<string>()
  const patient = defineTask('patient', () => end.promise)
  const broker = createMemoryBroker()
  const { manager, worker, running, lines } = await startWorker(createApp('app', [patient]), {
    broker,
    drain: '20s',
    concurrency: 2,
  })
  const first = await manager.create(patient, null, { id: 'p1' })
  await until(() => worker.status().running.length === 1)
  const stopped = worker.stop()
  const second = await manager.create(patient, null)
  await until(() => lines.some(({ message }) => message.startsWith('Shutting down')))
  expect(lines.find(({ message }) => message.startsWith('Shutting down'))).toMatchObject({
    message: 'Shutting down: waiting up to 20 s for 1 task',
    fields: { tasks: ['patient p1'] },
  })
  expect(worker.status().state).toBe('stopping')
  end.resolve('in time')
  await Promise.all([stopped, running])
  expect(await first.get()).toMatchObject({ state: 'DONE' })
  expect(await second.get()).toMatchObject({ state: 'QUEUED', attempt: 0 })
})

it('keeps leases while it drains', async () => {
  const slow = defineTask('slow', () => wait(700).then(() => 'kept'))
  const { manager, worker } = await startWorker(createApp('app', [slow]), { drain: '20s', lease: 150 })
  const handle = await manager.create(slow, null)
  await until(() => worker.status().running.length === 1)
  await worker.stop()
  expect(await handle.get()).toMatchObject({ state: 'DONE', attempt: 1, crashes: 0 })
})

it('fires the signal with reason shutdown after the drain, and gives the task back, held against nobody', async () => {
  const kinds: string[] = []
  const endless = defineTask('endless', async (_args: null, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    kinds.push((signal.reason as TaskAbortedError).kind)
    signal.throwIfAborted()
  })
  const { manager, worker } = await startWorker(createApp('app', [endless]), { drain: 50, shutdownGrace: '10s' })
  const handle = await manager.create(endless, null)
  await until(() => worker.status().running.length === 1)
  await worker.stop()
  expect(kinds).toEqual(['shutdown'])
  expect(await handle.get()).toMatchObject({ state: 'QUEUED', attempt: 1, failures: 0, crashes: 0 })
})

it('gives back, after the grace, also what ignores its signal, and another worker runs it at once', async () => {
  const end = Promise.withResolvers<number>()
  const deaf = defineTask('deaf', (_args: null, { attempt }) => (attempt === 1 ? end.promise : attempt))
  const app = createApp('app', [deaf])
  const broker = createMemoryBroker()
  const { manager, worker, lines } = await startWorker(app, { broker, drain: 20, shutdownGrace: 50 })
  const handle = await manager.create(deaf, null)
  await until(() => worker.status().running.length === 1)
  await worker.stop()
  expect(await handle.get()).toMatchObject({ state: 'QUEUED', crashes: 0 })
  expect(lines.some(({ message }) => /went on although their signal fired.*: deaf$/.test(message))).toBe(true)
  await startWorker(app, { broker })
  expect(await handle.result()).toBe(2)
  end.resolve(1)
})

it('lets a handler that ends with a result at a shutdown be done', async () => {
  const careful = defineTask('careful', async (_args: null, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return 'rounded off'
  })
  const { manager, worker } = await startWorker(createApp('app', [careful]), { drain: 20, shutdownGrace: '10s' })
  const handle = await manager.create(careful, null)
  await until(() => worker.status().running.length === 1)
  await worker.stop()
  expect(await handle.get()).toMatchObject({ state: 'DONE' })
})

it('gives back what a receive under way still brings', async () => {
  const broker = createMemoryBroker()
  const openConsumer = broker.openConsumer.bind(broker)
  const held = Promise.withResolvers<void>()
  broker.openConsumer = async (options) => {
    const consumer = await openConsumer(options)
    const receive = consumer.receive.bind(consumer)
    consumer.receive = async (max) => {
      // Claimed, but on its way when the worker stops.
      const deliveries = await receive(max, new AbortController().signal)
      await held.promise
      return deliveries
    }
    return consumer
  }
  const { manager, worker } = await startWorker(createApp('app', [defineTask('noop', () => 1)]), { broker })
  const handle = await manager.create('noop', null)
  await until(async () => (await handle.get()).state === 'RUNNING')
  const stopped = worker.stop()
  held.resolve()
  await stopped
  expect(await handle.get()).toMatchObject({ state: 'QUEUED', failures: 0, crashes: 0 })
  expect(worker.status().counts).toMatchObject({ started: 0, released: 1 })
})

it('ends with the error when the broker says that going on cannot help', async () => {
  const broker = createMemoryBroker()
  const openConsumer = broker.openConsumer.bind(broker)
  broker.openConsumer = async (options) => {
    const consumer = await openConsumer(options)
    consumer.receive = () => Promise.reject(new Error('WRONGPASS'))
    return consumer
  }
  const { running, worker } = await startWorker(createApp('app', [defineTask('noop', () => 1)]), { broker })
  await expect(running).rejects.toThrow('WRONGPASS')
  expect(worker.status().state).toBe('stopped')
  await worker.stop()
})

it('ends in one line where the broker takes no outcome any more', async () => {
  let away = false
  const broker = brokerWith((consumer) => ({
    settle: (items) => {
      const outage = new BrokerUnavailableError('the server has no room')
      return away ? Promise.reject(outage) : consumer.settle(items)
    },
    close: () => {
      away = false
      return consumer.close()
    },
  }))
  const { manager, worker, running, lines } = await startWorker(createApp('app', [defineTask('noop', () => 1)]), {
    broker,
  })
  away = true
  const handle = await manager.create('noop', null)
  await until(() => worker.status().counts.started === 1)
  await worker.stop()
  await running
  expect(await handle.get()).toMatchObject({ state: 'RUNNING' })
  expect(lines.filter(({ message }) => message.includes('did not take all outcomes'))).toHaveLength(1)
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
}, 20_000)

it('leaves open a broker that it was given', async () => {
  const broker = createMemoryBroker()
  const { worker } = await startWorker(createApp('app', [defineTask('noop', () => 1)]), { broker })
  await worker.stop()
  expect(await broker.health()).toMatchObject({ ok: true })
  await expect(broker.counts()).resolves.toMatchObject({ RUNNING: 0 })
})
