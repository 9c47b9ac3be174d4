import type { Broker } from '@ds/core'
import type { ServerUsage } from '../../src/broker-under-test.ts'
import type { CaseContext } from '../../src/case-context.ts'
import { between, check } from '../../src/check.ts'
import { DONE } from '../../src/consuming.ts'
import { newTasks, submitAll } from '../../src/submitting.ts'
import { TestWorker } from '../../src/test-worker.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 1_000_000
const STEP = 20_000
const FIVE_MEGABYTES = 5 * 1024 * 1024

/** A million tasks that end and go after two seconds: the server then holds what it held before. */
export async function millionRetention(context: CaseContext): Promise<Figures> {
  const { usage } = context.target
  if (!usage) return context.skip('the target has no tool to measure what its server holds (usage)')
  const url = context.target.startServer ? (await context.server()).url : undefined
  const options = { ...(url !== undefined && { url }), retention: { age: 2000 } }
  const broker = await context.open(options)
  const measure = (): Promise<ServerUsage> => usage(url === undefined ? {} : { url })
  const worker = await TestWorker.start({
    broker: await context.another(broker, options),
    queues: [context.queue],
    concurrency: 200,
    lease: 30_000,
    handle: () => DONE,
  })
  await runThrough(context, broker, STEP)
  await untilEmpty(context, broker)
  const before = await measure()
  say(`before: ${before.records} records, ${before.bytes} bytes`)
  const started = performance.now()
  for (let done = 0; done < COUNT; done += STEP) {
    await runThrough(context, broker, STEP)
    if (done % 100_000 === 0) say(`${done + STEP} tasks have ended`)
  }
  const seconds = (performance.now() - started) / 1000
  await untilEmpty(context, broker)
  const after = await settled(context, measure, before)
  await worker.stop()
  return {
    tasks: COUNT,
    tasksPerSecond: Math.round(COUNT / seconds),
    recordsBefore: before.records,
    recordsAfter: after.records,
    bytesBefore: before.bytes,
    bytesAfter: after.bytes,
  }
}

async function runThrough(context: CaseContext, broker: Broker, count: number): Promise<void> {
  await submitAll(broker, newTasks(context, count))
  await context.until(
    'the tasks to end',
    async () => {
      const { QUEUED, RUNNING } = await broker.counts()
      return QUEUED + RUNNING === 0
    },
    300_000,
  )
}

async function untilEmpty(context: CaseContext, broker: Broker): Promise<void> {
  await context.until(
    'finished tasks to go',
    async () => {
      const { DONE: done, ERROR: errors } = await broker.counts()
      check(errors === 0, `${errors} tasks are in ERROR`)
      return done === 0
    },
    300_000,
  )
}

/** Servers give memory back in their own time. */
function settled(context: CaseContext, measure: () => Promise<ServerUsage>, before: ServerUsage): Promise<ServerUsage> {
  return context.until(
    'the server to hold what it held before',
    async () => {
      const now = await measure()
      between(now.records, [0, before.records], 'records')
      between(now.bytes, [0, before.bytes + FIVE_MEGABYTES], 'bytes')
      return now
    },
    60_000,
  )
}
