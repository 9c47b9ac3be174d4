import type { Broker } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between } from '../check.ts'
import { DONE, openConsumer, receiveOne, settle } from '../consuming.ts'
import { submitOne } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'

export async function wakesUp(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, await context.another(broker))
  const times: number[] = []
  for (const idle of [2500, 300, 100, 10, 1, 0]) {
    const receiving = receiveOne(context, consumer)
    await context.watchFor(idle)
    const started = performance.now()
    await submitOne(context, broker)
    await settle(consumer, await receiving, DONE)
    times.push(performance.now() - started)
  }
  between(
    Math.max(...times),
    [0, context.tolerances.wakeUp],
    'ms from a submit to the end of the task at an idle worker',
  )
}

const ROUNDS = 150

/** A task of one queue arrives while the workers turn to what came of the other. */
export async function wakesUpForAnyQueue(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const [a, b] = [`${context.queue}-a`, `${context.queue}-b`]
  const queues = [a, b]
  const started = new Map<string, number>()
  const brokers = [broker, await context.another(broker)]
  const workers = await Promise.all(brokers.map((each) => startWorker(context, each, { queues, started })))
  for (let round = 0; round < ROUNDS; round++) {
    const tasks = [a, b, round % 2 === 0 ? a : b].map((queue) => ({ queue, id: context.name('racing') }))
    const submitted = performance.now()
    await Promise.all(tasks.map((fields) => submitOne(context, broker, fields)))
    await context.until('tasks of two queues to start', () => tasks.every(({ id }) => started.has(id)))
    const times = tasks.map(({ id }) => (started.get(id) ?? Infinity) - submitted)
    between(Math.max(...times), [0, 2 * context.tolerances.wakeUp], 'ms from a submit to the start of its task')
  }
  await Promise.all(workers.map((worker) => worker.stop()))
}

function startWorker(
  context: CaseContext,
  broker: Broker,
  { queues, started }: { queues: readonly string[]; started: Map<string, number> },
): Promise<TestWorker> {
  return TestWorker.start({
    broker,
    queues,
    concurrency: 4,
    lease: context.tolerances.patience,
    handle: ({ task }) => {
      started.set(task.id, performance.now())
      return DONE
    },
  })
}
