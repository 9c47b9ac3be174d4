import type { Broker } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import type { ReadFigures } from '../../src/children/play-reader.ts'
import { startProgram } from '../../src/children/start-program.ts'
import { DONE } from '../../src/consuming.ts'
import { newTasks, submitAll } from '../../src/submitting.ts'
import { TestWorker } from '../../src/test-worker.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 1_000_000
const STEP = 50_000
const ARGS = JSON.stringify('x'.repeat(200))

/** A million tasks that have ended and are kept; then a process starts that has seen none of them. */
export async function millionFinished(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) return context.skip('its tasks live in one process: no other can read them')
  const broker = await context.open()
  const seconds = await fill(context, broker)
  await broker.close()
  const records = await settledFootprint(context)
  const child = await startProgram(context, { type: 'reader', samples: 200 })
  const line = await child.waitForLine('read ', { timeoutMs: 300_000 })
  const read = JSON.parse(line.slice('read '.length)) as ReadFigures
  equal(read.done, COUNT, 'the finished tasks that a process which has just connected counts')
  return {
    tasks: COUNT,
    tasksPerSecond: Math.round(COUNT / seconds),
    ...(records !== undefined && { recordsPerTask: Math.round((records / COUNT) * 1000) / 1000 }),
    ...read,
  }
}

async function fill(context: CaseContext, broker: Broker): Promise<number> {
  const worker = await TestWorker.start({
    broker: await context.open(),
    queues: [context.queue],
    concurrency: 200,
    lease: 30_000,
    handle: () => DONE,
  })
  const started = performance.now()
  for (let done = STEP; done <= COUNT; done += STEP) {
    await submitAll(broker, newTasks(context, STEP, { args: ARGS }))
    await context.until(`${done} tasks to end`, async () => (await broker.counts()).DONE === done, 300_000)
    if (done % 100_000 === 0) say(`${done} tasks have ended`)
  }
  const seconds = (performance.now() - started) / 1000
  check(worker.failure === undefined, 'the worker failed')
  // Brokers tidy up after tasks: that is waited for with the worker in place.
  await context.watchFor(15_000)
  await settledFootprint(context)
  await worker.stop()
  return seconds
}

/** What the server holds once that is one record a task, or does not change any more; undefined where the target cannot tell. */
async function settledFootprint(context: CaseContext): Promise<number | undefined> {
  const { footprint } = context.target
  if (!footprint) return undefined
  for (let before = -1; ; await context.watchFor(5000)) {
    const now = await footprint(context.namespace)
    say(`the server holds ${now} records`)
    if (now <= COUNT || now === before) return now
    before = now
  }
}
