import type { Broker } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, rejects, throwsAtOnce } from '../check.ts'
import { again, DONE, failed, openConsumer, receiveOne, settleWell } from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, retryAgain, submitAll, submitAnswer, submitOne } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'

/** Runs tasks to their end, the first ones first. */
async function finish(context: CaseContext, broker: Broker, count: number): Promise<string[]> {
  const consumer = await openConsumer(context, broker)
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const { id } = await submitOne(context, broker)
    const delivery = await receiveOne(context, consumer)
    const outcomes = [DONE, failed(), { type: 'cancelled' }] as const
    await settleWell({ context, broker, consumer }, delivery, outcomes[index % 3] ?? DONE)
    ids.push(id)
  }
  await consumer.close()
  return ids
}

async function untilGone(context: CaseContext, broker: Broker, ids: readonly string[]): Promise<void> {
  await context.until(
    'finished tasks to go after their retention',
    async () => (await broker.get(ids)).every((task) => task === undefined),
    1000 + context.tolerances.retentionLateness,
  )
}

export async function oldOnesGo(context: CaseContext): Promise<void> {
  const age = 1000
  const broker = await context.open({ retention: { age } })
  const ids = await finish(context, broker, 6)
  const { completedAt = 0 } = await getTask(broker, ids.at(-1) ?? '')
  check(completedAt > 0, 'a finished task has no completedAt')
  await untilGone(context, broker, ids)
  await context.until(
    'the list and the counts to follow',
    async () => {
      const { DONE: done, ERROR: errors, CANCELLED: cancelled } = await broker.counts()
      return done + errors + cancelled === 0 && (await broker.list({ limit: 100 })).tasks.length === 0
    },
    context.tolerances.retentionLateness,
  )
  const [first = ''] = ids
  equal(
    [await broker.args(first), await broker.result(first), await broker.errors(first)],
    [undefined, undefined, []],
    'the rest',
  )
  equal(
    await submitAnswer(broker, newTask(context, { id: first })),
    'created',
    'the id of a task that went, submitted anew',
  )
}

export async function unfinishedStay(context: CaseContext): Promise<void> {
  const broker = await context.open({ retention: { age: 500 } })
  const consumer = await openConsumer(context, broker)
  const running = await submitOne(context, broker)
  const held = await receiveOne(context, consumer)
  const retried = await submitOne(context, broker)
  await settleWell({ context, broker, consumer }, await receiveOne(context, consumer), again(60_000))
  const delayed = await submitOne(context, broker, { delay: 60_000 })
  const revived = await submitOne(context, broker)
  await settleWell({ context, broker, consumer }, await receiveOne(context, consumer), DONE)
  equal(await retryAgain(broker, revived.id), 'queued', 'the retry of a finished task before it goes')
  equal((await receiveOne(context, consumer)).task.id, revived.id, 'the task received after a retry')
  await untilGone(context, broker, await finish(context, broker, 1))
  // As long again: what would go with a former end of the task would have gone by then.
  await context.watchFor(1000)
  const states = (await broker.get(idsOf([running, retried, delayed, revived]))).map((task) => task?.state)
  const expected = ['RUNNING', 'QUEUED', 'QUEUED', 'RUNNING']
  equal(states, expected, 'the states of unfinished tasks older than the retention, the last one retried after an end')
  equal((await settleWell({ context, broker, consumer }, held, DONE)).state, 'DONE', 'the running task at last')
}

export async function overTheCountGo(context: CaseContext): Promise<void> {
  if (!context.capabilities.retentionByCount) return refusesTheCount(context)
  const broker = await context.open({ retention: { count: 10 } })
  const waiting = newTasks(context, 5, { delay: 60_000 })
  await submitAll(broker, waiting)
  const ids = await finish(context, broker, 25)
  const kept = await context.until(
    'the oldest finished tasks to go',
    async () => {
      const tasks = await broker.get(ids)
      return tasks.filter(Boolean).length === 10 && tasks
    },
    context.tolerances.retentionLateness,
  )
  const left = kept.flatMap((task) => task?.id ?? [])
  equal(left, ids.slice(-10), 'the finished tasks that are left: the newest')
  equal((await broker.counts()).QUEUED, 5, 'the tasks that wait')
}

async function refusesTheCount(context: CaseContext): Promise<void> {
  const options = { namespace: context.namespace, retention: { count: 10 } }
  let broker: Broker
  try {
    broker = context.make(options)
  } catch {
    throwsAtOnce(() => context.target.create(options), 'NotSupported', 'retention.count where it is not kept')
    return
  }
  await rejects(
    broker.connect({ timeout: context.tolerances.patience }),
    'NotSupported',
    'retention.count where it is not kept',
  )
}

export async function storageIsBounded(context: CaseContext): Promise<void> {
  const { footprint } = context.target
  if (!footprint) return
  const broker = await context.open({ retention: { age: 500 } })
  const worker = await TestWorker.start({
    broker,
    queues: [context.queue],
    concurrency: 20,
    lease: context.tolerances.patience,
    handle: ({ lease }) => (lease.attempt === 1 ? again(0) : DONE),
  })
  const runThrough = async (count: number): Promise<number> => {
    await submitAll(broker, newTasks(context, count, { parentId: context.name('parent'), headers: { a: 'b' } }))
    await context.until(
      'all tasks to end and go',
      async () => {
        const { delayed: _delayed, ...states } = await broker.counts()
        return Object.values(states).every((state) => state === 0)
      },
      60_000 * context.settings.load,
    )
    return footprint(context.namespace)
  }
  const before = await runThrough(100)
  await runThrough(2000)
  // How soon they go is another case; what was told of them may be kept for a while, for readers that lag.
  await context.until(
    'the server to hold no more after 2,000 more tasks',
    async () => {
      const now = await footprint(context.namespace)
      between(now, [0, before + 50], `what the server holds after 2,100 tasks, ${before} after 100`)
      return true
    },
    context.tolerances.patience,
  )
  await worker.stop()
}
