import {
  BrokerRefusedError,
  BrokerUnavailableError,
  createApp,
  createMemoryBroker,
  defineTask,
  DsError,
} from '@ds/core'
import { expect, it, vi } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'
import { brokerWith } from './watched-broker.ts'

const app = createApp('app', [defineTask('noop', (value: number) => value)])
const requests = (count: number) => Array.from({ length: count }, (_, args) => ({ name: 'noop', args }))
const unavailable = (): Promise<never> => Promise.reject(new BrokerUnavailableError('the server does not answer'))

it('goes on by itself after the broker was away, and runs each task once', async () => {
  let away = false
  const broker = brokerWith((consumer) => ({
    receive: (max, signal) => (away ? unavailable() : consumer.receive(max, signal)),
    renew: (items) => (away ? unavailable() : consumer.renew(items)),
    settle: (items) => (away ? unavailable() : consumer.settle(items)),
  }))
  const { manager, worker, lines } = await startWorker(app, { broker, concurrency: 3, lease: '60s' })
  await Promise.all((await manager.create(requests(20))).map((handle) => handle.result()))
  away = true
  const handles = await manager.create(requests(50))
  await wait(300)
  away = false
  const ended = await Promise.all(handles.map((handle) => handle.wait()))
  expect(ended.every(({ state, attempt }) => state === 'DONE' && attempt === 1)).toBe(true)
  expect(worker.status()).toMatchObject({ state: 'running', counts: { started: 70, done: 70, superseded: 0 } })
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
})

it('holds no more than twice its slots while outcomes are not answered, and keeps their leases', async () => {
  const held = Promise.withResolvers<void>()
  const broker = brokerWith((consumer) => ({
    settle: async (items) => {
      await held.promise
      return consumer.settle(items)
    },
  }))
  const { manager, worker } = await startWorker(app, { broker, concurrency: 3, lease: 150 })
  const handles = await manager.create(requests(40))
  await until(() => worker.status().counts.started === 6)
  await wait(600)
  expect(worker.status().counts.started).toBe(6)
  held.resolve()
  const ended = await Promise.all(handles.map((handle) => handle.wait()))
  expect(ended.every(({ attempt, crashes }) => attempt === 1 && crashes === 0)).toBe(true)
})

it('hands over an outcome and asks for the next task in one tick', async () => {
  let turn = 0
  const calls: string[] = []
  const broker = brokerWith((consumer) => ({
    receive: (max, signal) => {
      calls.push(`receive in turn ${turn}`)
      return consumer.receive(max, signal)
    },
    settle: async (items) => {
      calls.push(`settle in turn ${turn}`)
      // A server takes longer than a tick.
      await wait(5)
      return consumer.settle(items)
    },
  }))
  const end = Promise.withResolvers<void>()
  const gated = defineTask('gated', () => end.promise)
  const { manager, worker } = await startWorker(createApp('app', [gated]), { broker, concurrency: 1 })
  await manager.create('gated', null)
  await until(() => worker.status().running.length === 1)
  calls.length = 0
  // The clock stands still: a busy machine must not look like a loop that gives way to timers.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  // The turn of the loop that received the task is over, however long it took.
  await new Promise((resolve) => setImmediate(resolve))
  end.resolve()
  setImmediate(() => (turn += 1))
  await wait(30)
  clock.mockRestore()
  expect(calls).toEqual(['settle in turn 0', 'receive in turn 0'])
})

it('frees a slot when an outcome is handed over, not when it is answered', async () => {
  const held = Promise.withResolvers<void>()
  const broker = brokerWith((consumer) => ({
    settle: async (items) => {
      await held.promise
      return consumer.settle(items)
    },
  }))
  const { manager, worker } = await startWorker(app, { broker, concurrency: 1 })
  await manager.create(requests(2))
  await until(() => worker.status().counts.started === 2)
  held.resolve()
})

it('ends a task in ERROR whose result the server refuses', async () => {
  const broker = brokerWith((consumer) => ({
    settle: (items) =>
      items.some(({ outcome }) => outcome.type === 'done')
        ? Promise.resolve(
            items.map(() => ({ ok: false, error: new DsError('PayloadTooLarge', 'The server takes less') })),
          )
        : consumer.settle(items),
  }))
  const { manager, finished } = await startWorker(app, { broker })
  const task = await finished((await manager.create('noop', 1)).id)
  expect(task).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect(await manager.task(task.id).errors()).toMatchObject([{ error: { name: 'PayloadTooLarge' } }])
})

it('waits for a broker that is not up yet, says so, and says when it is', async () => {
  const broker = createMemoryBroker()
  const connect = broker.connect.bind(broker)
  let tries = 0
  broker.connect = () => (tries++ < 1 ? unavailable() : connect())
  const { manager, lines } = await startWorker(app, { broker })
  expect(await (await manager.create('noop', 7)).result()).toBe(7)
  expect(lines.slice(0, 2)).toMatchObject([
    { level: 'warn', message: 'the server does not answer. Trying again in 0.5 s' },
    { level: 'info', message: 'The broker can be reached' },
  ])
})

it('ends at once while it waits for a broker, when it is stopped', async () => {
  const broker = createMemoryBroker()
  broker.connect = unavailable
  const { worker, running } = await startWorker(app, { broker, drain: '30s' }, { waits: false })
  await until(() => worker.status().state === 'starting')
  await worker.stop()
  await expect(running).resolves.toBeUndefined()
})

it('ends with the error when the broker says no', async () => {
  const broker = createMemoryBroker()
  broker.connect = () => Promise.reject(new BrokerRefusedError('wrong password'))
  const { running } = await startWorker(app, { broker })
  await expect(running).rejects.toMatchObject({ code: 'BrokerRefused' })
})

it('gives back what comes while it closes, and tells no observer of it', async () => {
  const broker = brokerWith((consumer) => ({
    receive: async (max, signal) => {
      const deliveries = await consumer.receive(max, signal)
      // The answer is on its way when the worker is told to stop.
      if (deliveries.length > 0 && !signal.aborted) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      }
      return deliveries
    },
  }))
  const told: string[] = []
  const observer = { taskStarted: () => void told.push('started'), taskEnded: () => void told.push('ended') }
  const { manager, worker } = await startWorker(app, { broker, observers: [observer] })
  const handle = await manager.create('noop', 1)
  await until(async () => (await handle.get()).state === 'RUNNING')
  await worker.stop()
  expect(await handle.get()).toMatchObject({ state: 'QUEUED', attempt: 1, failures: 0, crashes: 0 })
  expect(told).toEqual([])
})
