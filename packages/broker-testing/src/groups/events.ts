import type { TaskEvent } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  again,
  CANCELLED,
  DONE,
  failed,
  LOST,
  openConsumer,
  receiveMany,
  receiveOne,
  RELEASED,
  renew,
  runningTask,
  settle,
  settleWell,
  taskError,
} from '../consuming.ts'
import { idsOf, newTask, newTasks, retryAgain, submitAll, submitAnswer, submitOne } from '../submitting.ts'
import { checkGrowing, checkKinds, eventsOf, untilFinal, watch } from '../watching.ts'
import { endsWithItsBroker, endsWithItsSignal, oneThatThrows, slowReader, slowReaderOfMany } from './events-readers.ts'
import { resyncAfterCut } from './events-resync.ts'

async function eventsOfALife(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const watched = await watch(context, await context.another(broker))
  const running = await runningTask(context, broker, { fields: { parentId: 'parent', name: 'kit.life' } })
  await renew(running.consumer, running.delivery, 0.5)
  const done = await settleWell(running, running.delivery, DONE)
  const events = await untilFinal(context, watched, done.id)
  checkGrowing(events, 'the events of a task')
  checkKinds(events, ['[Queued]', '[Started]', '[Progress]', 'Result'], 'the events of a task')
  const last = events.at(-1) as TaskEvent
  const { name, group, parentId, state, progress, attempt, version, retriesLeft } = last
  equal([name, group, parentId], ['kit.life', 'kit', 'parent'], 'name, group and parent in an event')
  equal([state, progress, attempt, version, retriesLeft], ['DONE', 1, 1, done.version, 3], 'what a ResultEvent says')
  between(last.createdAt, [done.completedAt ?? 0, (done.completedAt ?? 0) + 60_000], 'createdAt of a ResultEvent')
  const first = findEvent(events, 'QueuedEvent')
  if (!first) return
  equal([first.state, first.progress, first.attempt, first.retriesLeft], ['QUEUED', 0, 0, 3], 'what a QueuedEvent says')
}

async function eventsOfFailures(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const watched = await watch(context, broker)
  const running = await runningTask(context, broker, { fields: { maxRetries: 1 } })
  const { id } = running.task
  const waiting = await settleWell(running, running.delivery, again(300, 'first'))
  const retried = await context.until('the ErrorEvent of a retry', () => findEvent(eventsOf(watched, id), 'ErrorEvent'))
  equal([retried.state, retried.retriesLeft, retried.attempt], ['QUEUED', 0, 1], 'what the ErrorEvent of a retry says')
  equal(
    [retried.error, retried.runAt],
    [taskError('first'), waiting.runAt],
    'error and runAt of the ErrorEvent of a retry',
  )
  await settleWell(running, await receiveOne(context, running.consumer), failed('second'))
  const events = await untilFinal(context, watched, id)
  checkGrowing(events, 'the events of a task that fails')
  checkKinds(events, ['[Queued]', '[Started]', 'Error', '[Started]', 'Error'], 'the events of a task that fails')
  const last = events.at(-1) as TaskEvent
  equal([last.type, last.state, last.error], ['ErrorEvent', 'ERROR', taskError('second')], 'the last event')
  await retryAgain(broker, id)
  const queued = await context.until('the QueuedEvent of a retry', () => eventsOf(watched, id)[events.length])
  equal([queued.type, queued.state, queued.retriesLeft], ['QueuedEvent', 'QUEUED', 1], 'the event of a retry by hand')
}

function findEvent(events: readonly TaskEvent[], type: TaskEvent['type']): TaskEvent | undefined {
  return events.find((event) => event.type === type)
}

async function eventsOfCancels(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const watched = await watch(context, broker)
  const running = await runningTask(context, broker)
  const { id } = running.task
  await broker.cancel(id, { requeue: true })
  const flag = await context.until('a CancelEvent', () => findEvent(eventsOf(watched, id), 'CancelEvent'))
  equal([flag.state, flag.requeue], ['RUNNING', true], 'what a CancelEvent says')
  await settleWell(running, running.delivery, CANCELLED)
  const requeued = await context.until('a CancelledEvent', () => findEvent(eventsOf(watched, id), 'CancelledEvent'))
  equal([requeued.state, requeued.requeue, requeued.progress], ['QUEUED', true, 0], 'the CancelledEvent of a requeue')
  const second = await receiveOne(context, running.consumer)
  await broker.cancel(id, { requeue: false })
  await settleWell(running, second, CANCELLED)
  const events = await untilFinal(context, watched, id)
  checkGrowing(events, 'the events of a task that is cancelled')
  const last = events.at(-1) as TaskEvent
  equal([last.type, last.state, last.requeue], ['CancelledEvent', 'CANCELLED', false], 'the last event')
  const queued = await submitOne(context, broker)
  await broker.cancel(queued.id, { requeue: false })
  checkKinds(await untilFinal(context, watched, queued.id), ['[Queued]', 'Cancelled'], 'the events of a queued task')
}

async function eventsOfCrashes(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const watched = await watch(context, broker)
  const running = await runningTask(context, broker, { fields: { maxCrashes: 1 } })
  await settleWell(running, running.delivery, RELEASED)
  const second = await receiveOne(context, running.consumer)
  await settleWell(running, second, LOST)
  const events = await untilFinal(context, watched, running.task.id)
  checkGrowing(events, 'the events of a task that loses its worker')
  const last = events.at(-1) as TaskEvent
  equal([last.type, last.state, last.error?.name], ['ErrorEvent', 'ERROR', 'WorkerLost'], 'the last event')
}

async function everyFinalEvent(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const watchers = await Promise.all([watch(context, broker), watch(context, other), watch(context, other)])
  const tasks = newTasks(context, 300, { maxRetries: 1 })
  await submitAll(broker, tasks)
  const consumer = await openConsumer(context, other)
  for (const [index, delivery] of (await receiveMany(context, consumer, 300)).entries()) {
    if (index % 3 === 2) await broker.cancel(delivery.task.id, { requeue: false })
    await settle(consumer, delivery, [DONE, failed(), CANCELLED][index % 3] ?? DONE)
  }
  for (const watched of watchers) {
    const ended = (): string[] =>
      watched.events.filter(({ state }) => state !== 'QUEUED' && state !== 'RUNNING').map(({ taskId }) => taskId)
    await context.until('300 final events', () => new Set(ended()).size === tasks.length)
    sameMembers([...new Set(ended())], idsOf(tasks), 'the tasks whose final event came')
    for (const { id } of tasks) checkGrowing(eventsOf(watched, id), `the events of ${id}`)
    equal(watched.resyncs, 0, 'resyncs of a reader that keeps up')
  }
}

async function liveFromTheStart(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  for (let round = 0; round < 20; round++) {
    const watched = await watch(context, other)
    const task = newTask(context)
    // In the same tick in which subscribe resolved: nothing may fall between.
    equal(await submitAnswer(broker, task), 'created', 'a task')
    await context.until(
      'the event of what was submitted when subscribe had resolved',
      () => eventsOf(watched, task.id).length,
    )
    watched.stop()
    await context.soon('the subscription to end', watched.ended)
  }
}

async function lateSubscriber(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const watched = await watch(context, await context.another(broker), { taskId: running.task.id })
  const { version } = running.delivery.task
  await renew(running.consumer, running.delivery, 0.5)
  await settleWell(running, running.delivery, DONE)
  const events = await untilFinal(context, watched, running.task.id)
  check(
    events.every((event) => event.version >= version),
    'a late subscriber got what happened long before',
  )
  equal(events.at(-1)?.type, 'ResultEvent', 'the last event')
}

async function filtersOfEvents(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const strange = 'e{}|:. *é>#'
  const filters = {
    id: { taskId: strange },
    name: { name: 'kit.a' },
    group: { group: 'one' },
    parent: { parentId: strange },
    two: { name: 'kit.a', group: 'one' },
    none: { taskId: 'nobody' },
  }
  const watched = await Promise.all(Object.values(filters).map((filter) => watch(context, broker, filter)))
  const everything = await watch(context, broker)
  const tasks = [
    newTask(context, { id: strange, name: 'kit.a', group: 'one' }),
    newTask(context, { name: 'kit.a', group: 'two', parentId: strange }),
    newTask(context, { name: 'kit.b', group: 'one', parentId: 'other' }),
  ]
  await submitAll(broker, tasks)
  const consumer = await openConsumer(context, broker)
  for (const delivery of await receiveMany(context, consumer, 3)) await settle(consumer, delivery, DONE)
  const [a, b, c] = idsOf(tasks) as [string, string, string]
  for (const id of [a, b, c]) await untilFinal(context, everything, id)
  const expected = [[a], [a, b], [a, c], [b], [a], []]
  for (const [index, ids] of expected.entries()) {
    const one = watched[index]
    check(one, 'there is no such subscription')
    for (const id of ids) await untilFinal(context, one, id)
    sameMembers(
      [...new Set(one.events.map(({ taskId }) => taskId))],
      ids,
      `the tasks of the filter ${Object.keys(filters)[index]}`,
    )
  }
}

export const events: readonly ConformanceCase[] = casesOf('events', [
  { name: 'a life is told in order', rule: 'events-order', run: eventsOfALife },
  { name: 'failures say their error and when they run again', rule: 'events-say', run: eventsOfFailures },
  { name: 'cancels say what was asked and what came of it', rule: 'events-say', run: eventsOfCancels },
  { name: 'a worker that is lost is told', rule: 'events-say', run: eventsOfCrashes },
  { name: 'every subscriber gets every final event', rule: 'events-final', run: everyFinalEvent },
  { name: 'events come from the moment subscribe resolves', rule: 'events-live', run: liveFromTheStart },
  { name: 'a late subscriber gets what is left', rule: 'events-live', run: lateSubscriber },
  { name: 'filters let through what matches', rule: 'events-filter', run: filtersOfEvents },
  { name: 'a slow reader gets the final event', rule: 'events-slow', run: slowReader },
  {
    name: 'a slow reader of many tasks gets all, or a resync',
    rule: 'events-slow',
    timeout: 60_000,
    run: slowReaderOfMany,
  },
  { name: 'a subscription ends by its signal', rule: 'events-end', run: endsWithItsSignal },
  { name: 'a subscription ends with its broker', rule: 'events-end', run: endsWithItsBroker },
  { name: 'a reader that throws touches no other', rule: 'events-end', run: oneThatThrows },
  {
    name: 'after a break there is a resync, and it goes on',
    rule: 'resync',
    needs: ['server', 'shared'],
    timeout: 90_000,
    run: resyncAfterCut,
  },
])
