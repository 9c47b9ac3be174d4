import type { Outcome, Task } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  again,
  DONE,
  failed,
  LOST,
  openConsumer,
  receiveNothing,
  receiveOne,
  renew,
  runningTask,
  settleWell,
} from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, retryAgain, submitAll, submitAnswer, submitOne } from '../submitting.ts'
import { filtersHold, listedInOrder, oneMoment, pagesWhileChanging, sizesOfPages } from './store-lists.ts'
import { oldOnesGo, overTheCountGo, storageIsBounded, unfinishedStay } from './store-retention.ts'

async function getInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 5)
  await submitAll(broker, tasks)
  const [a, b, c] = idsOf(tasks) as [string, string, string]
  const read = await broker.get([c, 'unknown', a, b, a, ''])
  equal(
    read.map((task) => task?.id),
    [c, undefined, a, b, a, undefined],
    'the ids read',
  )
  equal(await broker.get([]), [], 'what is read of no ids')
  const many = newTasks(context, 1000)
  await submitAll(broker, many)
  equal(
    (await broker.get(idsOf(many))).map((task) => task?.id),
    idsOf(many),
    '1,000 ids read at once',
  )
}

async function unknownIds(context: CaseContext): Promise<void> {
  const broker = await context.open()
  equal(await broker.args('unknown'), undefined, 'the args of an unknown id')
  equal(await broker.result('unknown'), undefined, 'the result of an unknown id')
  equal(await broker.errors('unknown'), [], 'the errors of an unknown id')
  equal(await broker.remove('unknown'), 'unknown', 'the removal of an unknown id')
  const counts = await broker.counts()
  equal(counts, { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0, delayed: 0 }, 'the counts of an empty broker')
  equal(await broker.list({ limit: 10 }), { tasks: [] }, 'the list of an empty broker')
}

async function ownWrites(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  for (let round = 0; round < 30; round++) {
    const { id } = await submitOne(context, broker)
    equal((await getTask(broker, id)).state, 'QUEUED', 'the state read after submit')
    equal((await broker.counts()).QUEUED, 1, 'the QUEUED counted after submit')
    equal((await broker.list({ limit: 1 })).tasks[0]?.id, id, 'the newest task listed after submit')
    const delivery = await receiveOne(context, consumer)
    equal((await getTask(broker, id)).state, 'RUNNING', 'the state read after receive')
    await broker.cancel(id, { requeue: true })
    equal((await getTask(broker, id)).cancelRequested, { requeue: true }, 'the flag read after cancel')
    await settleWell({ context, broker, consumer }, delivery, DONE)
    equal(await broker.result(id), '"well done"', 'the result read after settle')
    equal(await retryAgain(broker, id), 'queued', 'the retry')
    equal((await getTask(broker, id)).state, 'QUEUED', 'the state read after retry')
    equal(await broker.cancel(id, { requeue: false }), 'cancelled', 'the cancel')
    equal((await broker.counts()).QUEUED, 0, 'the QUEUED counted after cancel')
    equal(await broker.remove(id), 'removed', 'the removal')
    equal((await broker.get([id]))[0], undefined, 'the task read after remove')
    equal((await broker.list({ limit: 1 })).tasks, [], 'the tasks listed after remove')
  }
  await receiveNothing(context, consumer, 200)
}

async function writesOfOthers(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const sees = (what: string, read: () => Promise<boolean>): Promise<true> =>
    context.until(`another process to see ${what}`, read, context.tolerances.readLag)
  const { id } = await submitOne(context, broker)
  await sees('a submit', async () => (await other.get([id]))[0]?.state === 'QUEUED')
  await sees('a submit in its list', async () => (await other.list({ limit: 10 })).tasks.length === 1)
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  await sees('a claim', async () => (await getTask(other, id)).state === 'RUNNING')
  await renew(consumer, delivery, 0.5)
  await sees('progress', async () => (await getTask(other, id)).progress === 0.5)
  await settleWell({ context, broker, consumer }, delivery, DONE)
  await sees('a result', async () => (await other.result(id)) === '"well done"')
  await sees('the counts', async () => (await other.counts()).DONE === 1)
  equal(await other.remove(id), 'removed', 'the removal by another process')
  equal((await other.get([id]))[0], undefined, 'the removed task')
  await sees('a removal', async () => (await broker.get([id]))[0] === undefined)
}

async function countsFollow(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, [...newTasks(context, 6), ...newTasks(context, 2, { delay: 60_000 })])
  const counted = async (expected: Record<string, number>, what: string): Promise<void> =>
    equal(
      await broker.counts(),
      { QUEUED: 0, RUNNING: 0, DONE: 0, ERROR: 0, CANCELLED: 0, delayed: 0, ...expected },
      what,
    )
  await counted({ QUEUED: 8, delayed: 2 }, 'the counts after eight submits')
  const outcomes: Outcome[] = [DONE, failed(), again(60_000), LOST, { type: 'cancelled' }]
  for (const outcome of outcomes) {
    await settleWell({ context, broker, consumer }, await receiveOne(context, consumer), outcome)
  }
  await counted({ QUEUED: 5, DONE: 1, ERROR: 1, CANCELLED: 1, delayed: 3 }, 'the counts after five outcomes')
  await receiveOne(context, consumer)
  await counted({ QUEUED: 4, RUNNING: 1, DONE: 1, ERROR: 1, CANCELLED: 1, delayed: 3 }, 'the counts after a claim')
  const [done] = (await broker.list({ states: ['DONE'], limit: 1 })).tasks
  check(done, 'the DONE task is not listed')
  equal(await broker.remove(done.id), 'removed', 'the removal')
  await counted({ QUEUED: 4, RUNNING: 1, ERROR: 1, CANCELLED: 1, delayed: 3 }, 'the counts after a removal')
}

async function removedIsGone(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { parentId: 'parent', name: 'kit.removed' } })
  const { id } = running.task
  equal(await broker.remove(id), 'active', 'the removal of a RUNNING task')
  await settleWell(running, running.delivery, again(0))
  equal(await broker.remove(id), 'active', 'the removal of a QUEUED task')
  await settleWell(running, await receiveOne(context, running.consumer), DONE)
  equal(await broker.remove(id), 'removed', 'the removal of a DONE task')
  equal(await broker.remove(id), 'unknown', 'the removal of a removed task')
  equal(
    [await broker.args(id), await broker.result(id), await broker.errors(id)],
    [undefined, undefined, []],
    'what is left',
  )
  for (const query of [
    {},
    { states: ['DONE'] as const },
    { name: 'kit.removed' },
    { parentId: 'parent' },
    { group: 'kit' },
  ]) {
    equal((await broker.list({ ...query, limit: 10 })).tasks, [], 'what is listed of a removed task')
  }
  equal(await retryAgain(broker, id), 'unknown', 'the retry of a removed task')
  equal(await broker.cancel(id, { requeue: false }), 'unknown', 'the cancel of a removed task')
  equal(await submitAnswer(broker, newTask(context, { id, args: '"new"' })), 'created', 'the id submitted anew')
  const anew = await receiveOne(context, running.consumer)
  equal([anew.task.id, anew.args, anew.previousError], [id, '"new"', undefined], 'the task received in its new life')
  equal(await broker.errors(id), [], 'the errors of the new life')
}

async function racingRemovals(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  await settleWell(running, running.delivery, DONE)
  const answers = await Promise.all(Array.from({ length: 10 }, () => broker.remove(running.task.id)))
  check(answers.includes('removed'), `ten removals at once were answered ${[...new Set(answers)].join(', ')}`)
  check(!answers.includes('active'), 'a removal of a finished task was answered "active"')
  equal((await broker.counts()).DONE, 0, 'DONE tasks after ten removals at once')
}

async function errorsOfEachAttempt(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 9, maxCrashes: 9 } })
  let { delivery } = running
  for (const outcome of [again(0, 'one'), LOST, { type: 'released' } as const, again(0, 'four'), failed('five')]) {
    const task = await settleWell(running, delivery, outcome)
    if (task.state === 'QUEUED') delivery = await receiveOne(context, running.consumer)
  }
  const errors = await broker.errors(running.task.id)
  equal(
    errors.map(({ attempt }) => attempt),
    [1, 2, 4, 5],
    'the attempts in the list of errors',
  )
  equal(
    errors.map(({ error }) => error.name),
    ['KitError', 'WorkerLost', 'KitError', 'KitError'],
    'the names',
  )
  equal(
    errors.map(({ error }) => error.message).filter((_, index) => index !== 1),
    ['one', 'four', 'five'],
    'the messages',
  )
  equal(await retryAgain(broker, running.task.id), 'queued', 'the retry')
  equal((await broker.errors(running.task.id)).length, 4, 'the errors kept over a retry')
}

async function versionsGrow(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const { id } = running.task
  const versions: number[] = []
  const note = async (what: string): Promise<Task> => {
    const task = await getTask(broker, id)
    check(versions.length === 0 || task.version > (versions.at(-1) ?? 0), `the version did not grow with ${what}`)
    versions.push(task.version)
    return task
  }
  await note('the claim')
  await renew(running.consumer, running.delivery, 0.5)
  await context.until('the progress', async () => (await getTask(broker, id)).progress === 0.5)
  const { version } = await note('progress')
  await renew(running.consumer, running.delivery)
  equal((await getTask(broker, id)).version, version, 'the version after a renewal that says nothing new')
  await broker.cancel(id, { requeue: true })
  await note('a cancel')
  await settleWell(running, running.delivery, { type: 'cancelled' })
  await note('its end')
  await settleWell(running, await receiveOne(context, running.consumer), DONE)
  await note('a result')
  await retryAgain(broker, id)
  await note('a retry')
}

async function getIsQuick(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 5000)
  await submitAll(broker, tasks)
  const [first] = tasks
  check(first, 'there is no first task')
  const fresh = await context.another(broker)
  const started = performance.now()
  equal((await getTask(fresh, first.id)).id, first.id, 'the task read by a process that has just connected')
  const time = performance.now() - started
  check(time < 2000 * context.settings.load, `get took ${Math.round(time)} ms beside 5,000 tasks, right after connect`)
}

async function resultOfDoneOnly(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { args: '"args"' } })
  const { id } = running.task
  const reads = async (result: string | undefined, what: string): Promise<void> =>
    equal([await broker.result(id), await broker.args(id)], [result, '"args"'], `result and args of a task ${what}`)
  await reads(undefined, 'that runs')
  await settleWell(running, running.delivery, again(0))
  await reads(undefined, 'that waits for its retry')
  await settleWell(running, await receiveOne(context, running.consumer), { type: 'done', result: '"one"' })
  await reads('"one"', 'that is DONE')
  await retryAgain(broker, id)
  await reads(undefined, 'that was retried')
  await settleWell(running, await receiveOne(context, running.consumer), failed())
  await reads(undefined, 'in ERROR')
}

export const store: readonly ConformanceCase[] = casesOf('store', [
  { name: 'get answers in the order of the ids', rule: 'get', run: getInOrder },
  { name: 'nothing is known of unknown ids', rule: 'get', run: unknownIds },
  { name: 'get does not wait for a view of everything', rule: 'get', timeout: 60_000, run: getIsQuick },
  { name: 'a result is that of a DONE task only', rule: 'get', run: resultOfDoneOnly },
  { name: 'own writes are read at once', rule: 'own-writes', run: ownWrites },
  { name: 'writes of others are read within the lag', rule: 'read-lag', run: writesOfOthers },
  { name: 'the newest are listed first', rule: 'list-order', run: listedInOrder },
  { name: 'tasks of one moment are listed by id', rule: 'list-order', run: oneMoment },
  { name: 'pages of every size hold every task once', rule: 'list-complete', run: sizesOfPages },
  {
    name: 'pages hold every task once while states change',
    rule: 'list-complete',
    timeout: 60_000,
    run: pagesWhileChanging,
  },
  { name: 'filters hold, alone and together', rule: 'list-filters', run: filtersHold },
  { name: 'counts follow every change', rule: 'counts', run: countsFollow },
  { name: 'the errors of every attempt are kept', rule: 'errors-kept', run: errorsOfEachAttempt },
  { name: 'what is removed is gone, and its id free', rule: 'remove', run: removedIsGone },
  { name: 'racing removals agree', rule: 'remove', run: racingRemovals },
  { name: 'the version grows with every change', rule: 'version', run: versionsGrow },
  { name: 'finished tasks go after their age', rule: 'retention', timeout: 60_000, run: oldOnesGo },
  { name: 'unfinished tasks stay whatever their age', rule: 'retention', timeout: 60_000, run: unfinishedStay },
  { name: 'over the count the oldest finished tasks go', rule: 'retention', timeout: 60_000, run: overTheCountGo },
  {
    name: 'what the server holds does not grow with finished tasks',
    rule: 'retention',
    needs: ['footprint'],
    timeout: 120_000,
    run: storageIsBounded,
  },
])
