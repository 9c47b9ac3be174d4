import type { Task, TaskQuery } from '@ds/core'
import { isFinal } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal, sameMembers } from '../check.ts'
import { DONE, failed, openConsumer, receiveMany, settle } from '../consuming.ts'
import { checkOrder, listAll } from '../listing.ts'
import { idsOf, newTask, newTasks, submitAll, submitOne } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'

export async function listedInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const ids: string[] = []
  for (let index = 0; index < 20; index++) {
    ids.push((await submitOne(context, broker)).id)
    // Times are milliseconds: without this several tasks would share one.
    await context.watchFor(3)
  }
  const tasks = await listAll(broker, { limit: 7 })
  equal(idsOf(tasks), ids.toReversed(), 'the listed ids, newest first')
  const [newest] = tasks
  equal(newest && (await broker.get([newest.id]))[0], newest, 'a listed task')
}

export async function oneMoment(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const ids = ['b', 'a', 'é', 'z', 'Z', '_', '🙂', '\uffff', '10', '9', 'aa', 'a ', '-']
  await submitAll(
    broker,
    ids.map((id) => newTask(context, { id })),
  )
  for (const limit of [1, 2, 5, 100]) {
    const tasks = await listAll(broker, { limit })
    sameMembers(idsOf(tasks), ids, `the ids listed in pages of ${limit}`)
    checkOrder(tasks, `pages of ${limit}`)
  }
}

export async function sizesOfPages(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 1100)
  await submitAll(broker, tasks)
  for (const limit of [97, 500, 1000]) {
    const listed = await listAll(broker, { limit })
    sameMembers(idsOf(listed), idsOf(tasks), `the ids listed in pages of ${limit}`)
    checkOrder(listed, `pages of ${limit}`)
  }
  const part = tasks.slice(0, 10)
  for (const { id } of part) await broker.cancel(id, { requeue: false })
  const cancelled = await listAll(broker, { limit: 3, states: ['CANCELLED'] })
  sameMembers(idsOf(cancelled), idsOf(part), 'the CANCELLED ids listed in pages of three, of 1,100 tasks')
}

/** Between the pages tasks start, end, are removed and are submitted anew; those that match throughout must appear once. */
export async function pagesWhileChanging(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const lasting = newTasks(context, 300, { name: 'kit.lasting' })
  await submitAll(broker, lasting.slice(0, 150))
  await submitAll(broker, newTasks(context, 100, { name: 'kit.passing' }))
  await submitAll(broker, lasting.slice(150))
  const worker = await TestWorker.start({
    broker: other,
    queues: [context.queue],
    concurrency: 4,
    lease: context.tolerances.patience,
    handle: async ({ lease }) => {
      await new Promise((resolve) => setTimeout(resolve, 2))
      return lease.attempt === 1 ? { type: 'retry', delay: 5, error: { name: 'E', message: '', stacktrace: [] } } : DONE
    },
  })
  const disturb = async (page: number): Promise<void> => {
    await submitAll(broker, newTasks(context, 5, { name: page % 2 ? 'kit.lasting' : 'kit.passing' }))
    await removeSome(broker, 'kit.passing')
  }
  const queries: Omit<TaskQuery, 'cursor'>[] = [
    { limit: 20, name: 'kit.lasting' },
    { limit: 33 },
    { limit: 20, group: 'kit' },
  ]
  for (const query of queries) {
    const listed = await listAll(broker, query, disturb)
    const known = new Set(idsOf(lasting))
    sameMembers(
      idsOf(listed).filter((id) => known.has(id)),
      [...known],
      'the ids that matched throughout',
    )
    equal(new Set(idsOf(listed)).size, listed.length, 'different ids among those listed')
    checkOrder(listed, 'pages while states change')
  }
  await worker.stop()
}

async function removeSome(broker: Parameters<typeof listAll>[0], name: string): Promise<void> {
  const { tasks } = await broker.list({ name, states: ['DONE'], limit: 3 })
  for (const { id } of tasks) await broker.remove(id)
}

export async function filtersHold(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  for (const name of ['kit.a', 'kit.b']) {
    for (const group of ['one', 'two']) {
      await submitAll(broker, newTasks(context, 4, { name, group }))
      await submitAll(broker, newTasks(context, 3, { name, group, parentId: 'parent é{}|:. *' }))
    }
  }
  const held = await receiveMany(context, consumer, 20)
  for (const [index, delivery] of held.entries()) {
    if (index % 4 === 0) await settle(consumer, delivery, DONE)
    if (index % 4 === 1) await settle(consumer, delivery, failed())
    if (index % 4 === 2) await broker.cancel(delivery.task.id, { requeue: false })
    if (index % 4 === 2) await settle(consumer, delivery, { type: 'cancelled' })
  }
  await context.until('fifteen outcomes', async () => (await broker.counts()).RUNNING === 5)
  const all = await listAll(broker, { limit: 100 })
  equal(all.length, 28, 'tasks listed without a filter')
  for (const query of queriesOf(all)) {
    const listed = await listAll(broker, { ...query, limit: 5 })
    const expected = all.filter((task) => matches(task, query))
    sameMembers(idsOf(listed), idsOf(expected), `the tasks listed with ${JSON.stringify(query)}`)
    checkOrder(listed, JSON.stringify(query))
  }
  check(
    all.some((task) => isFinal(task.state)),
    'no task has ended',
  )
}

type Filter = Omit<TaskQuery, 'limit' | 'cursor'>

function queriesOf(tasks: readonly Task[]): Filter[] {
  const states = [
    ['QUEUED'],
    ['RUNNING'],
    ['DONE'],
    ['ERROR'],
    ['CANCELLED'],
    ['DONE', 'ERROR'],
    ['QUEUED', 'RUNNING', 'DONE'],
  ]
  const byState = states.map((each) => ({ states: each }) as Filter)
  const names = [{ name: 'kit.a' }, { name: 'kit.nothing' }, { name: 'kit' }]
  const groups = [{ group: 'one' }, { group: 'three' }]
  const parents = [
    { parentId: tasks.find(({ parentId }) => parentId !== undefined)?.parentId ?? '' },
    { parentId: 'no' },
  ]
  const together = byState.flatMap((each) => [
    { ...each, name: 'kit.b' },
    { ...each, group: 'two', parentId: parents[0]?.parentId ?? '' },
  ])
  return [...byState, ...names, ...groups, ...parents, ...together, { name: 'kit.a', group: 'one', ...parents[0] }]
}

function matches(task: Task, { states, name, group, parentId }: Filter): boolean {
  return (
    (states === undefined || states.some((state) => state === task.state)) &&
    (name === undefined || task.name === name) &&
    (group === undefined || task.group === group) &&
    (parentId === undefined || task.parentId === parentId)
  )
}
