import type { Delivery } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  DONE,
  leaseOf,
  LOST,
  openConsumer,
  receiveMany,
  receiveNothing,
  receiveOne,
  renew,
  runningTask,
  settle,
  settleInVain,
  settleWell,
} from '../consuming.ts'
import type { Running } from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, submitAll, submitAnswer, submitOne, valueOf } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'
import { poisonAmongThousand, poisonEnds } from './lease-poison.ts'

/** The longest that a task may wait for its next start once its lease was given. */
export function longestWait(context: CaseContext, delivery: Delivery): number {
  const { sweepInterval, takeover } = context.capabilities
  return delivery.lease.expiresIn + sweepInterval + takeover + context.tolerances.leaseLateness
}

/** A task whose worker does nothing any more, and a second worker of the same queue. */
async function abandoned(context: CaseContext, fields = {}): Promise<{ first: Running; second: Running['consumer'] }> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const first = await runningTask(context, broker, { fields, consumer: { lease } })
  const second = await openConsumer(context, await context.another(broker), { lease })
  return { first, second }
}

async function threeLeasesLong(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const starts: number[] = []
  const handle = async (delivery: Delivery): Promise<typeof DONE> => {
    starts.push(delivery.lease.attempt)
    await context.watchFor(3 * delivery.lease.expiresIn)
    return DONE
  }
  const options = { queues: [context.queue], concurrency: 1, lease, handle }
  const workers = [
    await TestWorker.start({ broker, ...options }),
    await TestWorker.start({ broker: await context.another(broker), ...options }),
  ]
  const { id } = await submitOne(context, broker)
  const ended = async (): Promise<boolean> => (await getTask(broker, id)).state === 'DONE'
  await context.until('a task three leases long to end', ended, 4 * lease + context.tolerances.patience)
  await Promise.all(workers.map((worker) => worker.stop()))
  const { attempt, crashes } = await getTask(broker, id)
  equal([starts, attempt, crashes], [[1], 1, 0], 'starts, attempt and crashes of a task three leases long')
}

async function lostRunsAgain(context: CaseContext): Promise<void> {
  const { first, second } = await abandoned(context)
  const claimed = performance.now()
  const again = await receiveOne(context, second)
  const waited = performance.now() - claimed
  equal([again.task.id, again.lease.attempt], [first.task.id, 2], 'what the second worker received')
  equal([again.task.crashes, again.task.failures], [1, 0], 'crashes and failures after a lost lease')
  between(
    waited,
    [0, longestWait(context, first.delivery)],
    'ms until the task of a worker that does not renew runs again',
  )
  const errors = await first.broker.errors(first.task.id)
  equal(
    errors.map(({ attempt, error }) => [attempt, error.name]),
    [[1, 'WorkerLost']],
    'the errors after a lost lease',
  )
}

async function notBeforeItsEnd(context: CaseContext): Promise<void> {
  const { first, second } = await abandoned(context)
  const { expiresIn } = first.delivery.lease
  const renewed = performance.now()
  for (let half = 1; half <= 4; half++) {
    equal(await renew(first.consumer, first.delivery), { status: 'held' }, 'the answer to a renewal in time')
    await receiveNothing(context, second, expiresIn / 2)
  }
  check(performance.now() - renewed > expiresIn, 'the case did not last a lease')
  equal(await renew(first.consumer, first.delivery), { status: 'held' }, 'the last renewal')
  const last = performance.now()
  const again = await receiveOne(context, second)
  const bounds: [number, number] = [expiresIn / 2, longestWait(context, first.delivery)]
  between(performance.now() - last, bounds, 'ms from the last renewal to the next start')
  equal(again.lease.attempt, 2, 'the attempt after the last renewal')
}

async function sameWorkerAgain(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { consumer: { lease: leaseOf(context) } })
  const other = await submitOne(context, broker)
  const kept = await receiveOne(context, running.consumer)
  const renewing = setInterval(
    () => void renew(running.consumer, kept).catch(() => undefined),
    kept.lease.expiresIn / 5,
  )
  context.atEnd(async () => clearInterval(renewing))
  const again = await receiveOne(context, running.consumer)
  equal(
    [again.task.id, again.lease.attempt],
    [running.task.id, 2],
    'what a living worker received that forgot a delivery',
  )
  equal(await renew(running.consumer, kept), { status: 'held' }, 'the renewal of what it did not forget')
  equal((await getTask(broker, other.id)).attempt, 1, 'the attempt of what it did not forget')
}

async function zombieIsRefused(context: CaseContext): Promise<void> {
  const { first, second } = await abandoned(context)
  const again = await receiveOne(context, second)
  equal(
    await renew(first.consumer, first.delivery, 0.9),
    { status: 'lost' },
    'the renewal of a lease that was taken over',
  )
  equal((await getTask(first.broker, first.task.id)).progress, 0, 'the progress after the renewal of a lost lease')
  await settleInVain(first, first.delivery, { type: 'done', result: '"zombie"' })
  const holder = { ...first, consumer: second }
  const ended = await settleWell(holder, again, { type: 'done', result: '"second"' })
  await settleInVain(first, first.delivery, { type: 'done', result: '"zombie"' })
  equal([ended.attempt, await first.broker.result(ended.id)], [2, '"second"'], 'what stands')
  equal(await renew(first.consumer, first.delivery), { status: 'lost' }, 'the renewal of a task that has ended')
}

/** Nobody has taken it over yet: either outcome is right, but answer and record must say the same. */
async function lateOutcome(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { consumer: { lease: leaseOf(context) } })
  const { id } = running.task
  await context.watchFor(longestWait(context, running.delivery))
  const before = await getTask(broker, id)
  const answer = await settle(running.consumer, running.delivery, DONE)
  if (answer === 'recorded') await context.watchFor(context.capabilities.readLag)
  const after = await getTask(broker, id)
  if (before.state === 'QUEUED') check(answer !== 'applied', 'the outcome of an attempt that was closed was applied')
  if (answer === 'applied')
    equal([after.state, after.attempt], ['DONE', 1], 'the record after a late outcome that was applied')
  if (answer === 'superseded') check(after.state !== 'DONE', 'a late outcome was answered superseded, and stands')
}

async function formerLife(context: CaseContext): Promise<void> {
  const { first, second } = await abandoned(context)
  const { broker, task } = first
  const again = await receiveOne(context, second)
  await settleWell({ ...first, consumer: second }, again, DONE)
  equal(await broker.remove(task.id), 'removed', 'the removal of the finished task')
  equal(await renew(first.consumer, first.delivery), { status: 'lost' }, 'the renewal of a removed task')
  equal(await submitAnswer(broker, newTask(context, { id: task.id })), 'created', 'the id submitted anew')
  await settleInVain(first, first.delivery, DONE)
  const anew = await receiveOne(context, second)
  equal(anew.task.id, task.id, 'the task in its new life')
  equal(await renew(first.consumer, first.delivery, 0.9), { status: 'lost' }, 'the renewal of the former life')
  for (const late of [first.delivery, again]) {
    await settleInVain(first, late, { type: 'done', result: '"former"' })
    equal(await renew(second, anew), { status: 'held' }, 'the renewal of the new life')
  }
  equal((await getTask(broker, task.id)).progress, 0, 'the progress of the new life')
  const ended = await settleWell({ ...first, consumer: second }, anew, { type: 'done', result: '"new"' })
  equal([ended.state, await broker.result(task.id)], ['DONE', '"new"'], 'what stands in the new life')
}

async function oneSuspect(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const suspects = newTasks(context, 5)
  await submitAll(broker, suspects)
  for (const delivery of await receiveMany(context, consumer, 5))
    await settleWell({ context, broker, consumer }, delivery, LOST)
  const fresh = newTasks(context, 10)
  await submitAll(broker, fresh)
  const finished: string[] = []
  while (finished.length < 15) {
    const batch = await consumer.receive(
      10,
      AbortSignal.any([context.signal, AbortSignal.timeout(context.tolerances.patience)]),
    )
    check(batch.length > 0, `nothing came any more after ${finished.length} of 15 tasks`)
    const crashed = batch.filter(({ task }) => task.crashes > 0)
    check(crashed.length <= 1, `one receive gave ${crashed.length} tasks that have lost a worker`)
    const [suspect] = crashed
    if (suspect)
      await heldAlone(context, { context, broker, consumer, task: suspects[0] as Running['task'], delivery: suspect })
    for (const delivery of batch) await settleWell({ context, broker, consumer }, delivery, DONE)
    finished.push(...batch.map(({ task }) => task.id))
  }
  equal(finished.toSorted(), idsOf([...suspects, ...fresh]).toSorted(), 'the tasks that were finished')
}

/** While one suspect is held, whatever else comes is none. */
async function heldAlone(context: CaseContext, { consumer, broker }: Running): Promise<void> {
  const more = await consumer.receive(10, AbortSignal.any([context.signal, AbortSignal.timeout(100)]))
  equal(more.filter(({ task }) => task.crashes > 0).length, 0, 'suspects received while one was held')
  for (const delivery of more) {
    const ended = await settleWell({ context, broker, consumer }, delivery, { type: 'released' })
    equal(ended.state, 'QUEUED', 'the state of what was given back')
  }
}

async function progressTravels(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const { id } = running.task
  for (const [sent, read] of [
    [0.25, 0.25],
    [0.5, 0.5],
    [0.3, 0.5],
    [0.5, 0.5],
    [1, 1],
  ] as const) {
    equal(
      await renew(running.consumer, running.delivery, sent),
      { status: 'held' },
      `the renewal with progress ${sent}`,
    )
    await context.until(
      `progress ${read} to be read after ${sent} was sent`,
      async () => (await getTask(broker, id)).progress === read,
      context.tolerances.readLag,
    )
  }
  await settleWell(running, running.delivery, {
    type: 'retry',
    error: { name: 'E', message: '', stacktrace: [] },
    delay: 0,
  })
  equal((await getTask(broker, id)).progress, 0, 'the progress of a task that waits for its retry')
  const second = await receiveOne(context, running.consumer)
  equal(await renew(running.consumer, running.delivery, 0.9), { status: 'lost' }, 'the renewal of the attempt before')
  equal(second.task.progress, 0, 'the progress of the next attempt')
  equal(
    (await getTask(broker, id)).progress,
    0,
    'the progress of the next attempt, after that of the one before was sent',
  )
}

async function renewedInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 6))
  const deliveries = await receiveMany(context, consumer, 6)
  const ended = deliveries.filter((_, index) => index % 2 === 0)
  for (const delivery of ended) await settleWell({ context, broker, consumer }, delivery, DONE)
  const answers = await consumer.renew(deliveries.map(({ lease }, index) => ({ lease, progress: index / 10 })))
  const statuses = answers.map((answer) => valueOf(answer, 'a batch of renewals').status)
  equal(statuses, ['lost', 'held', 'lost', 'held', 'lost', 'held'], 'the answers to renewals of ended and held tasks')
  equal(await consumer.renew([]), [], 'the answers to an empty batch')
}

export const lease: readonly ConformanceCase[] = casesOf('lease', [
  { name: 'a task three leases long runs once', rule: 'lease-renewed', run: threeLeasesLong },
  { name: 'a lease that is renewed stays', rule: 'lease-renewed', run: notBeforeItsEnd },
  { name: 'without renewal the task runs again, with a crash', rule: 'lease-lost', run: lostRunsAgain },
  { name: 'what a living worker forgot runs again', rule: 'lease-lost', run: sameWorkerAgain },
  { name: 'a zombie is refused', rule: 'lease-fenced', run: zombieIsRefused },
  { name: 'a late outcome is applied or superseded, as it says', rule: 'lease-fenced', run: lateOutcome },
  { name: 'a task in a new life is safe from its former one', rule: 'incarnation', run: formerLife },
  { name: 'a task that loses its workers ends in WorkerLost', rule: 'poison-limit', run: poisonEnds },
  {
    name: 'one poison task among 1,000 takes no neighbour along',
    rule: 'poison-limit',
    timeout: 120_000,
    run: poisonAmongThousand,
  },
  { name: 'a consumer holds one suspect at a time', rule: 'one-suspect', run: oneSuspect },
  { name: 'progress travels with renewals', rule: 'progress', run: progressTravels },
  { name: 'renewals are answered one by one, in order', rule: 'renew-answers', run: renewedInOrder },
])
