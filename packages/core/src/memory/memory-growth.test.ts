import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { openTestWorker } from '../../test/test-worker.ts'
import { createTaskManager } from '../manager/create-task-manager.ts'
import type { CreateOptions, TaskHandle, TaskManager } from '../manager/task-manager.ts'
import { createMemoryBroker } from './memory-broker.ts'
import type { MemoryBroker } from './memory-broker.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const TASKS = 20_000
/** What the args of all these tasks would take together is three times as much. */
const MOST_GROWTH = 25 * 1024 * 1024
const ARGS = 'x'.repeat(4000)

async function openBroker(retention?: { count: number }): Promise<{ broker: MemoryBroker; manager: TaskManager }> {
  const broker = createMemoryBroker(retention ? { retention } : {})
  await broker.connect()
  onTestFinished(() => broker.close())
  return { broker, manager: createTaskManager(broker) }
}

async function growth(
  manager: TaskManager,
  options: CreateOptions,
  end: (task: TaskHandle) => Promise<unknown>,
): Promise<number> {
  const before = heap()
  for (let number = 0; number < TASKS; number += 1) {
    await end(await manager.create('t', `${ARGS}${number}`, { group: 'default', ...options }))
  }
  return heap() - before
}

function heap(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('tasks that were cancelled while queued, and removed, take no memory', async () => {
  const { manager } = await openBroker()
  const end = async (task: TaskHandle): Promise<void> => {
    await task.cancel()
    await task.remove()
  }
  expect(await growth(manager, {}, end)).toBeLessThan(MOST_GROWTH)
})

test('tasks that were cancelled while delayed, and let go of by retention, take no memory', async () => {
  const { manager } = await openBroker({ count: 10 })
  expect(await growth(manager, { delay: '30d' }, (task) => task.cancel())).toBeLessThan(MOST_GROWTH)
})

test('tasks that have ended and were removed take no memory, however many the retention would keep', async () => {
  const { broker, manager } = await openBroker({ count: 10 })
  await using worker = await openTestWorker(broker)
  const end = async (task: TaskHandle): Promise<void> => {
    await worker.finish()
    await task.remove()
  }
  expect(await growth(manager, {}, end)).toBeLessThan(MOST_GROWTH)
})

test('those that stay queued among many that were cancelled keep their order', async () => {
  const { broker, manager } = await openBroker()
  const tasks = []
  for (let number = 0; number < 4000; number += 1)
    tasks.push(await manager.create('t', {}, { group: 'default', id: String(number) }))
  for (const [number, task] of tasks.entries()) if (number % 1000 !== 0) await task.cancel()
  await tasks[1500]?.retry()
  await using worker = await openTestWorker(broker)
  const taken = await worker.consumer.receive(10, AbortSignal.timeout(1000))
  const ids = taken.map(({ task }) => task.id)
  expect(ids.filter((id) => id !== '1500')).toEqual(['0', '1000', '2000', '3000'])
  expect(ids).toContain('1500')
})
