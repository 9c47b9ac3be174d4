import type { Broker } from '@ds/core'
import type { FaultyServer } from '../../broker-under-test.ts'
import type { CaseContext } from '../../case-context.ts'
import { between, check, equal } from '../../check.ts'
import {
  again,
  DONE,
  failed,
  LOST,
  openConsumer,
  receiveMany,
  receiveNothing,
  receiveOne,
  renew,
  runningTask,
  settle,
  settleWell,
} from '../../consuming.ts'

import { FaultRun } from '../../fault-run.ts'
import { listAll } from '../../listing.ts'
import { newTasks, submitAll, submitOne } from '../../submitting.ts'
import { eventsOf, watch } from '../../watching.ts'
import { rejectsTyped, sizeOf } from './links.ts'

async function runOn(context: CaseContext, server: FaultyServer, tasks: number): Promise<FaultRun> {
  return FaultRun.start(context, { tasks, workers: 2, concurrency: 20, lease: 2000, broker: { url: server.url } })
}

export async function restarts(context: CaseContext): Promise<void> {
  const server = await context.server()
  const run = await runOn(context, server, sizeOf(context, 10_000))
  const submitting = run.submitAll()
  for (const part of [1 / 3, 1 / 2]) {
    await run.untilPart(part)
    await run.fault(() => server.stop())
    await run.mend(() => server.start())
  }
  await submitting
  await run.checkBooks()
}

export async function kills(context: CaseContext): Promise<void> {
  const server = await context.server()
  const run = await runOn(context, server, sizeOf(context, 10_000))
  const submitting = run.submitAll()
  for (const part of context.settings.scale === 'full' ? [0.1, 0.4, 0.7] : [0.3]) {
    await run.untilPart(part)
    await run.fault(() => server.kill())
    await run.mend(() => server.start())
  }
  await submitting
  await run.checkBooks()
}

/** Longer than a lease: connections stay open, and nothing answers. */
export async function pauses(context: CaseContext): Promise<void> {
  const server = await context.server()
  const run = await runOn(context, server, sizeOf(context, 5000))
  const submitting = run.submitAll()
  await run.untilPart(0.3)
  await run.fault(() => server.pause())
  await context.watchFor(4000)
  await run.mend(async () => server.resume())
  await submitting
  await run.checkBooks()
}

export async function awayForLong(context: CaseContext): Promise<void> {
  const server = await context.server()
  const run = await runOn(context, server, sizeOf(context, 5000))
  const submitting = run.submitAll()
  await run.untilPart(0.3)
  await run.fault(() => server.stop())
  await context.until(
    'health to say that the server is away',
    async () => !(await run.manager.health()).ok,
    context.tolerances.health,
  )
  await rejectsTyped(context, 'get', run.manager.get(['any']))
  // Longer than the timeouts of client libraries: 5 s, 10 s and 22 s are the defaults of those in use.
  await context.watchFor(context.settings.scale === 'full' ? 30_000 : 12_000)
  await run.mend(() => server.start())
  await context.until(
    'health to say that all is well',
    async () => (await run.manager.health()).ok,
    context.tolerances.health,
  )
  await submitting
  await run.checkBooks()
}

/** All that is kept, as it reads. */
async function everything(broker: Broker): Promise<unknown> {
  const tasks = await listAll(broker, { limit: 100 })
  const details = await Promise.all(
    tasks.map(async ({ id }) => [await broker.args(id), await broker.result(id), await broker.errors(id)]),
  )
  return {
    tasks,
    details,
    counts: await broker.counts(),
    apps: await broker.apps(),
    parked: await broker.parked.list({ limit: 100 }),
  }
}

export async function storeSurvives(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const consumer = await openConsumer(context, broker, { lease: 60_000 })
  await broker.announce({
    schema: 1,
    name: 'kit',
    tasks: [{ name: 'kit.task', group: 'kit', maxRetries: 1, maxCrashes: 1 }],
  })
  for (const outcome of [DONE, failed('é🙂'), again(60_000), { type: 'cancelled' } as const, LOST]) {
    await submitOne(context, broker, { args: '"é"', headers: { a: 'é' }, parentId: 'parent' })
    await settleWell({ context, broker, consumer }, await receiveOne(context, consumer), outcome)
  }
  const held = await receiveOne(context, consumer)
  await submitAll(broker, [...newTasks(context, 20), ...newTasks(context, 20, { delay: 3_600_000 })])
  const before = await everything(broker)
  await server.kill()
  await server.start()
  const after = await context.until('the store to be read again', () => everything(broker), context.tolerances.recovery)
  equal(after, before, 'what is kept, after the server was killed')
  const fresh = await context.open({ url: server.url })
  equal(await everything(fresh), before, 'what is kept, read by a process that has just connected')
  await context.until(
    'the renewal of what was held over the kill',
    async () => (await renew(consumer, held)).status === 'held',
  )
  const ended = await settleWell({ context, broker, consumer }, held, DONE)
  equal([ended.state, ended.attempt], ['DONE', held.lease.attempt], 'what was held over the kill, at last')
}

export async function removalsSurvive(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const consumer = await openConsumer(context, broker, { lease: 60_000 })
  const [run, cancelled] = [newTasks(context, 6), newTasks(context, 6)]
  await submitAll(broker, run)
  for (const delivery of await receiveMany(context, consumer, run.length)) await settle(consumer, delivery, DONE)
  await submitAll(broker, cancelled)
  for (const { id } of cancelled)
    equal(await broker.cancel(id, { requeue: false }), 'cancelled', 'the cancel of a task')
  const ids = [...run, ...cancelled].map(({ id }) => id)
  for (const id of ids) equal(await broker.remove(id), 'removed', 'the removal of a task that has ended')
  await server.kill()
  await server.start()
  const found = await context.until('removed tasks to be asked for after the kill', () => broker.get(ids))
  equal(
    found,
    found.map(() => undefined),
    'removed tasks, after the server was killed',
  )
  const fresh = await context.open({ url: server.url })
  const { tasks } = await fresh.list({ limit: 100 })
  equal(tasks, [], 'the list of a process that has just connected')
  await receiveNothing(context, await openConsumer(context, fresh), 2000)
}

export async function subscriptionsGoOn(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const watched = await watch(context, broker)
  const notices: string[] = []
  const running = await runningTask(context, broker, {
    consumer: { lease: 60_000, onCancel: ({ taskId }) => notices.push(taskId) },
  })
  await server.stop()
  await server.start()
  await context.until('a resync after the restart', () => watched.resyncs > 0, context.tolerances.recovery)
  const { id } = await context.until('a submit after the restart', () => submitOne(context, broker, { queue: 'other' }))
  await context.until('an event after the restart', () => eventsOf(watched, id).length)
  equal(await broker.cancel(running.task.id, { requeue: false }), 'requested', 'a cancel after the restart')
  await context.until('its broadcast after the restart', () => notices.includes(running.task.id))
}

export async function boundedWithoutServer(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const consumer = await openConsumer(context, broker)
  const waiting = consumer.receive(1, context.signal).catch(() => [])
  await server.pause()
  const started = performance.now()
  await broker.health()
  between(performance.now() - started, [0, 5500], 'ms that health took while the server stood still')
  await context.soon('close while the server stands still', broker.close(), context.tolerances.unavailable)
  await context.soon('a waiting receive to end with its broker', waiting)
  const late = context.make({ url: server.url })
  await rejectsTyped(context, 'connect', late.connect({ timeout: 1500 }))
  const stopped = context.make({ url: server.url })
  await server.resume()
  await server.stop()
  await rejectsTyped(context, 'connect', stopped.connect({ timeout: 1500 }))
  await context.soon('close of a broker that never connected', stopped.close(), context.tolerances.unavailable)
  await server.start()
  await context.soon('connect when the server is back', late.connect({ timeout: 30_000 }))
  check((await late.health()).ok, 'the broker is unhealthy after its server came back')
}
