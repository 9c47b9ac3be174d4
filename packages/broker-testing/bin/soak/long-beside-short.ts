import type { Broker } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { DONE } from '../../src/consuming.ts'
import { getTask, newTask, newTasks, submitAll } from '../../src/submitting.ts'
import { TestWorker } from '../../src/test-worker.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 10_000
const LONG = 120_000
const LEASE = 5000
const CHANGES = 5

/** One task of two minutes, and 10,000 short ones: so many that they share every part of the broker with it. */
export async function longBesideShort(context: CaseContext): Promise<Figures> {
  const broker = await context.open()
  const starts = new Map<string, number>()
  const long = newTask(context)
  const startWorker = (on: Broker): Promise<TestWorker> =>
    TestWorker.start({
      broker: on,
      queues: [context.queue],
      concurrency: 5,
      lease: LEASE,
      handle: async ({ task }) => {
        starts.set(task.id, (starts.get(task.id) ?? 0) + 1)
        if (task.id === long.id) await new Promise((resolve) => setTimeout(resolve, LONG))
        return DONE
      },
    })
  const holder = await startWorker(await context.another(broker))
  context.atEnd(() => holder.abandon())
  await submitAll(broker, [long])
  await context.until('the long task to start', () => starts.has(long.id))
  const started = performance.now()
  await submitAll(broker, newTasks(context, COUNT))
  const changes = changeWorkers(context, broker, startWorker)
  await context.until('the short tasks to end', async () => (await broker.counts()).DONE === COUNT, LONG / 2)
  const shortSeconds = Math.round((performance.now() - started) / 100) / 10
  say(`${COUNT} short tasks ended within ${shortSeconds} s`)
  check((await getTask(broker, long.id)).state === 'RUNNING', 'the long task ended before the short ones')
  await changes
  await context.until('the long task to end', async () => (await getTask(broker, long.id)).state === 'DONE', LONG)
  const { attempt, crashes } = await getTask(broker, long.id)
  equal([starts.get(long.id), attempt, crashes], [1, 1, 0], 'starts, attempt and crashes of the long task')
  equal([...starts.values()].filter((count) => count !== 1).length, 0, 'tasks that were started more than once')
  await holder.stop()
  return { tasks: COUNT, longMs: LONG, leaseMs: LEASE, changes: CHANGES, shortSeconds }
}

/** Another worker joins, and leaves in good order, again and again while the long task runs. */
async function changeWorkers(
  context: CaseContext,
  broker: Broker,
  startWorker: (on: Broker) => Promise<TestWorker>,
): Promise<void> {
  for (let change = 0; change < CHANGES; change += 1) {
    const worker = await startWorker(await context.another(broker))
    await context.watchFor(LONG / CHANGES / 2)
    await context.soon('a worker to leave', worker.stop())
    await context.watchFor(LONG / CHANGES / 4)
  }
}
