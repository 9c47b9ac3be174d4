import type { Broker, Delivery, TaskConsumer } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { DONE, openConsumer, receiveMany, receiveNothing, receiveOne, settle, settleWell } from '../consuming.ts'
import { getTask, idsOf, newTasks, submitAll, submitOne } from '../submitting.ts'
import { abortIsHeeded, abortLosesNothing, closedReceive } from './delivery-ends.ts'
import { wakesUp, wakesUpForAnyQueue } from './delivery-waiting.ts'
import { TestWorker } from '../test-worker.ts'

async function oneWorkerEach(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const brokers = [broker, await context.another(broker)]
  const starts: string[] = []
  const workers = await Promise.all(
    [0, 1, 2, 3, 4].map((index) =>
      TestWorker.start({
        broker: brokers[index % 2] as Broker,
        queues: [context.queue],
        concurrency: 10,
        lease: context.tolerances.patience,
        handle: ({ task }) => {
          starts.push(task.id)
          return DONE
        },
      }),
    ),
  )
  const tasks = newTasks(context, 1000)
  await submitAll(broker, tasks)
  await context.until('1,000 tasks to be DONE', async () => (await broker.counts()).DONE === tasks.length)
  await Promise.all(workers.map((worker) => worker.stop()))
  sameMembers(starts, idsOf(tasks), 'the starts of 1,000 tasks at five workers')
}

async function racingReceives(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const brokers = [broker, await context.another(broker)]
  const consumers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => openConsumer(context, brokers[index % 2] as Broker)),
  )
  for (let round = 0; round < 5; round++) {
    const over = new AbortController()
    const calls = consumers.map((consumer) => consumer.receive(1, over.signal))
    await context.watchFor(round === 0 ? 300 : 20)
    const task = await submitOne(context, broker)
    const first = await context.soon('one of 50 waiting workers to receive', Promise.race(calls))
    await context.watchFor(100)
    over.abort()
    const deliveries = (await Promise.all(calls)).flat()
    equal(first.length, 1, 'deliveries of the call that ended first')
    equal(
      idsOf(deliveries.map((each) => each.task)),
      [task.id],
      'deliveries of one task to 50 workers that wait for it',
    )
    equal(deliveries[0]?.lease.attempt, 1, 'the attempt after a race')
    await settleAnywhere(consumers, deliveries)
  }
}

/** Settles with whichever consumer holds it. */
async function settleAnywhere(consumers: readonly TaskConsumer[], deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) {
    for (const consumer of consumers) if ((await settle(consumer, delivery, DONE)) !== 'superseded') break
  }
}

async function queuesApart(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const [a, b] = [`${context.queue}-a`, `${context.queue}-b`]
  const ofA = newTasks(context, 20, { queue: a })
  const ofB = newTasks(context, 20, { queue: b })
  await submitAll(broker, [...ofA, ...ofB])
  const onlyA = await openConsumer(context, broker, { queues: [a] })
  const received = await receiveMany(context, onlyA, 20)
  sameMembers(idsOf(received.map(({ task }) => task)), idsOf(ofA), 'the tasks that a consumer of one queue received')
  await receiveNothing(context, onlyA, 300)
  const both = await openConsumer(context, broker, { queues: [a, b] })
  const rest = await receiveMany(context, both, 20)
  sameMembers(idsOf(rest.map(({ task }) => task)), idsOf(ofB), 'the tasks that a consumer of both queues received')
}

async function queuesInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const [high, low] = [`${context.queue}-high`, `${context.queue}-low`]
  const lower = newTasks(context, 20, { queue: low })
  const higher = newTasks(context, 20, { queue: high })
  await submitAll(broker, lower)
  await submitAll(broker, higher)
  const consumer = await openConsumer(context, broker, { queues: [high, low] })
  const order: string[] = []
  while (order.length < 40) {
    const delivery = await receiveOne(context, consumer)
    order.push(delivery.task.queue)
    await settleWell({ context, broker, consumer }, delivery, DONE)
  }
  const early = order.slice(0, 20).filter((queue) => queue === low).length
  const bound = context.capabilities.claimAhead
  check(early <= bound, `${early} tasks of the second queue came before the first queue was empty`)
}

async function laterWorker(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 100)
  await submitAll(broker, tasks)
  const early = await openConsumer(context, broker)
  const first = await receiveMany(context, early, 30)
  const other = await context.another(broker)
  const late = await openConsumer(context, other)
  const rest = await receiveMany(context, late, 70 - context.capabilities.claimAhead)
  const all = [...first, ...rest].map(({ task }) => task.id)
  equal(new Set(all).size, all.length, 'different tasks among those received by two workers')
}

async function boundedClaims(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const { claimAhead } = context.capabilities
  await submitAll(broker, newTasks(context, 50))
  const slow = await openConsumer(context, broker)
  const held = await receiveMany(context, slow, 3)
  const { RUNNING } = await broker.counts()
  between(RUNNING, [3, 3 + claimAhead], 'tasks RUNNING after receive(3)')
  await receiveMany(context, slow, 2)
  between((await broker.counts()).RUNNING, [5, 5 + claimAhead], 'tasks RUNNING after receive(3) and receive(2)')
  const other = await context.another(broker)
  const quick = await openConsumer(context, other)
  await receiveMany(context, quick, 45 - claimAhead)
  equal(new Set(held.map(({ task }) => task.id)).size, 3, 'different tasks of receive(3)')
}

async function nothingHoarded(context: CaseContext): Promise<void> {
  const broker = await context.open()
  await openConsumer(context, broker)
  const busy = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 40))
  await settle(busy, await receiveOne(context, busy), DONE)
  await receiveOne(context, busy)
  // Neither the one that never asks nor the one that is full may keep anything from the third.
  const third = await openConsumer(context, await context.another(broker))
  const received = await receiveMany(context, third, 38 - context.capabilities.claimAhead)
  equal(
    received.filter(({ lease }) => lease.attempt !== 1),
    [],
    'tasks that did not come at their first attempt',
  )
}

async function claimIsStored(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const task = await submitOne(context, broker, { args: '[1]', headers: { a: 'b' } })
  const consumer = await openConsumer(context, other, { lease: 20_000 })
  const { task: received, args, lease, previousError } = await receiveOne(context, consumer)
  equal([received.state, received.attempt, received.progress], ['RUNNING', 1, 0], 'what was received')
  equal([lease.id, lease.attempt, args, previousError], [task.id, 1, '[1]', undefined], 'the delivery')
  between(lease.expiresIn, [1, 20_000], 'lease.expiresIn')
  check(lease.token.length > 0, 'the lease has no token')
  check(received.startedAt !== undefined, 'what was received has no startedAt')
  equal(await getTask(other, task.id), received, 'the record read by the process that received it')
  await context.until(
    'another process to read the claim',
    async () => (await getTask(broker, task.id)).version === received.version,
    context.tolerances.readLag,
  )
  equal(await getTask(broker, task.id), received, 'the record read by another process')
}

async function finalIsDropped(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 40)
  await submitAll(broker, tasks)
  const cancelled = tasks.filter((_, index) => index % 2 === 0)
  for (const { id } of cancelled) equal(await broker.cancel(id, { requeue: false }), 'cancelled', `the cancel of ${id}`)
  const consumer = await openConsumer(context, broker)
  const received = await receiveMany(context, consumer, 20)
  await receiveNothing(context, consumer, 300)
  const left = tasks.filter((_, index) => index % 2 === 1)
  sameMembers(
    received.map(({ task }) => task.id),
    idsOf(left),
    'the tasks received of 40, of which 20 were cancelled',
  )
}

async function overlappingCalls(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const tasks = newTasks(context, 200)
  await submitAll(broker, tasks)
  const held: Delivery[] = []
  const answers: Promise<unknown>[] = []
  while (held.length < tasks.length) {
    const deliveries = await receiveMany(context, consumer, 10)
    held.push(...deliveries)
    answers.push(consumer.renew(held.map(({ lease }) => ({ lease }))))
    answers.push(
      ...deliveries.map(async (delivery) =>
        equal((await settle(consumer, delivery, DONE)) !== 'superseded', true, 'an outcome'),
      ),
    )
  }
  await context.soon('calls that overlapped to be answered', Promise.all(answers))
  sameMembers(
    held.map(({ task }) => task.id),
    idsOf(tasks),
    'the tasks received',
  )
  await context.until('200 tasks to be DONE', async () => (await broker.counts()).DONE === 200)
}

export const delivery: readonly ConformanceCase[] = casesOf('delivery', [
  { name: 'each task goes to one of five workers', rule: 'one-worker', timeout: 60_000, run: oneWorkerEach },
  { name: 'of 50 waiting workers one gets the task', rule: 'one-worker', run: racingReceives },
  { name: 'renew and settle may overlap receive and each other', rule: 'one-worker', run: overlappingCalls },
  { name: 'a consumer gets tasks of its queues only', rule: 'queues-apart', run: queuesApart },
  { name: 'queues are served in order of preference', rule: 'queues-apart', run: queuesInOrder },
  { name: 'a worker that joins later gets what waited', rule: 'backlog', run: laterWorker },
  { name: 'no more is claimed than was asked for', rule: 'claims-bounded', run: boundedClaims },
  { name: 'idle and full workers keep nothing from others', rule: 'claims-bounded', run: nothingHoarded },
  { name: 'an idle worker wakes up at once', rule: 'wake-up', run: wakesUp },
  { name: 'workers of two queues wake up at once for either', rule: 'wake-up', run: wakesUpForAnyQueue },
  { name: 'what is received is stored as RUNNING', rule: 'claim-durable', run: claimIsStored },
  { name: 'abort ends a waiting receive', rule: 'receive-abort', run: abortIsHeeded },
  { name: 'abort loses no task', rule: 'receive-abort', run: abortLosesNothing },
  { name: 'close ends a waiting receive', rule: 'receive-closed', run: closedReceive },
  { name: 'cancelled tasks are never received', rule: 'final-dropped', run: finalIsDropped },
])
