import type { TaskEvent } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers } from '../check.ts'
import { DONE, renew, runningTask, settleWell } from '../consuming.ts'
import { idsOf, newTasks, submitAll, submitOne } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'
import { checkGrowing, eventsOf, isFinalEvent, untilFinal, watch } from '../watching.ts'

/** Reads nothing until something has happened, then everything. */
export async function slowReader(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const { id } = running.task
  const stopping = new AbortController()
  const subscription = await broker.subscribe({ taskId: id }, { signal: stopping.signal })
  const quick = await watch(context, broker, { taskId: id })
  for (let step = 1; step <= 300; step++) await renew(running.consumer, running.delivery, step / 301)
  await settleWell(running, running.delivery, DONE)
  await untilFinal(context, quick, id)
  const events: TaskEvent[] = []
  await context.soon(
    'a reader that slept to get the final event',
    (async () => {
      for await (const item of subscription) {
        if (item.type === 'resync') return
        events.push(item)
        if (isFinalEvent(item)) return
      }
    })(),
  )
  stopping.abort()
  checkGrowing(events, 'what a slow reader gets')
  between(events.length, [0, 302], 'events of a slow reader of one task with 300 steps of progress')
}

export async function slowReaderOfMany(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const stopping = new AbortController()
  const subscription = await broker.subscribe({}, { signal: stopping.signal })
  const tasks = newTasks(context, 12_000)
  const worker = await TestWorker.start({
    broker,
    queues: [context.queue],
    concurrency: 200,
    lease: context.tolerances.patience,
    handle: () => DONE,
  })
  await submitAll(broker, tasks)
  await context.until(
    '12,000 tasks to be DONE',
    async () => (await broker.counts()).DONE === tasks.length,
    50_000 * context.settings.load,
  )
  await worker.stop()
  const ended = new Set<string>()
  let resync = false
  await context.soon(
    'a reader that slept to get everything or a resync',
    (async () => {
      for await (const item of subscription) {
        if (item.type === 'resync') resync = true
        else if (isFinalEvent(item)) ended.add(item.taskId)
        if (resync || ended.size === tasks.length) return
      }
    })(),
  )
  stopping.abort()
  if (!resync) sameMembers([...ended], idsOf(tasks), 'the tasks whose final event a slow reader got, without a resync')
}

export async function endsWithItsSignal(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const [one, other] = [await watch(context, broker), await watch(context, broker)]
  one.stop()
  await context.soon('a subscription to end by its signal', one.ended)
  const { id } = await submitOne(context, broker)
  await context.until('the other subscription to go on', () => eventsOf(other, id).length)
  equal(eventsOf(one, id), [], 'what came after the signal')
  const over = AbortSignal.abort()
  const ended = (async () => {
    for await (const _item of await broker.subscribe({}, { signal: over })) return 'an event came'
    return 'it ended'
  })().catch(() => 'it ended')
  equal(await context.soon('a subscription with an aborted signal to end', ended), 'it ended', 'with an aborted signal')
}

export async function endsWithItsBroker(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const watched = await watch(context, broker)
  const idle = await broker.subscribe({ taskId: 'nobody' }, { signal: context.signal })
  await submitOne(context, broker)
  await context.until('an event', () => watched.events.length)
  await broker.close()
  await context.soon('a subscription to end with its broker', watched.ended)
  const reading = idle[Symbol.asyncIterator]().next()
  const { done } = await context.soon('a subscription that nobody read to end with its broker', reading)
  equal(done, true, 'whether a subscription that nobody read has ended')
}

export async function oneThatThrows(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const good = await watch(context, broker)
  const subscription = await broker.subscribe({}, { signal: context.signal })
  const bad = (async () => {
    for await (const item of subscription) throw new Error(`thrown by the reader of ${item.type}`)
  })().then(
    () => 'it ended',
    () => 'it threw',
  )
  const left = await broker.subscribe({}, { signal: context.signal })
  const leaving = (async () => {
    for await (const _item of left) break
  })()
  const first = await submitOne(context, broker)
  equal(await context.soon('the reader to throw', bad), 'it threw', 'the reader')
  await context.soon('a reader to leave after one event', leaving)
  const second = await submitOne(context, broker)
  for (const { id } of [first, second])
    await context.until(`events of ${id} for the other`, () => eventsOf(good, id).length)
  check((await broker.health()).ok, 'the broker is unhealthy after a reader threw')
}
