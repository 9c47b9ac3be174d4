import type { CancelNotice, Outcome } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  again,
  CANCELLED,
  DONE,
  failed,
  leaseOf,
  LOST,
  openConsumer,
  receiveNothing,
  receiveOne,
  RELEASED,
  renew,
  runningTask,
  settleInVain,
  settleWell,
} from '../consuming.ts'
import { getTask, retryAgain, submitOne, untilState } from '../submitting.ts'
import { cancelOrClaim, cancelOrFailure, cancelOrResult, manyCancels } from './cancel-races.ts'

async function queuedIsCancelled(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const { id } = await submitOne(context, broker)
  equal(await other.cancel(id, { requeue: false }), 'cancelled', 'the cancel of a queued task, by another process')
  const { state, attempt, completedAt, startedAt } = await getTask(other, id)
  equal([state, attempt, startedAt], ['CANCELLED', 0, undefined], 'the record of a task cancelled while it was queued')
  check(completedAt !== undefined, 'a CANCELLED task has no completedAt')
  await receiveNothing(context, await openConsumer(context, broker), 500)
  equal((await broker.counts()).QUEUED, 0, 'tasks counted as QUEUED')
}

async function waitingStays(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const { id } = await submitOne(context, broker)
  const delayed = await submitOne(context, broker, { delay: 400 })
  for (const each of [id, delayed.id]) {
    const before = await getTask(broker, each)
    equal(await broker.cancel(each, { requeue: true }), 'queued', 'the cancel with requeue of a task that waits')
    equal(await getTask(broker, each), before, 'its record')
  }
  const consumer = await openConsumer(context, broker)
  for (const each of [id, delayed.id]) {
    const delivery = await receiveOne(context, consumer)
    equal([delivery.task.id, delivery.lease.attempt], [each, 1], 'the task that stayed, when it starts')
    await settleWell({ context, broker, consumer }, delivery, DONE)
  }
  await receiveNothing(context, consumer, 200)
}

async function runningHears(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const notices: CancelNotice[] = []
  const running = await runningTask(context, broker, { consumer: { onCancel: (notice) => notices.push(notice) } })
  const { id } = running.task
  await openConsumer(context, broker, {
    onCancel: () => notices.push({ taskId: 'not mine', attempt: 0, requeue: false }),
  })
  equal(await renew(running.consumer, running.delivery), { status: 'held' }, 'the renewal before the cancel')
  equal(await other.cancel(id, { requeue: false }), 'requested', 'the cancel of a task that runs elsewhere')
  const { state, cancelRequested } = await getTask(other, id)
  equal([state, cancelRequested], ['RUNNING', { requeue: false }], 'the record of a running task with a cancel')
  await context.until('the broadcast to reach the worker', () => notices.length > 0)
  const [notice] = notices
  equal(notice, { taskId: id, attempt: 1, requeue: false }, 'the notice')
  // The broadcast may be lost: each renewal tells as well.
  for (let times = 0; times < 3; times++) {
    const answer = await renew(running.consumer, running.delivery)
    equal(answer, { status: 'held', cancel: { requeue: false } }, 'the renewal after the cancel')
  }
  const ended = await settleWell(running, running.delivery, CANCELLED)
  equal([ended.state, ended.failures, ended.cancelRequested], ['CANCELLED', 0, undefined], 'the record at last')
  check(!notices.some(({ taskId }) => taskId !== id), 'a consumer was told of a task that it does not hold')
}

async function renewalTells(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  equal(await broker.cancel(running.task.id, { requeue: true }), 'requested', 'the cancel of a running task')
  const answer = await context.until(
    'a renewal to tell of the cancel',
    async () => {
      const said = await renew(running.consumer, running.delivery, 0.4)
      return said.status === 'held' && said.cancel && said
    },
    context.tolerances.readLag,
  )
  equal(answer, { status: 'held', cancel: { requeue: true } }, 'the renewal of a task with a cancel')
}

async function runningReturns(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 0, maxCrashes: 1 } })
  const { id } = running.task
  await renew(running.consumer, running.delivery, 0.7)
  equal(await broker.cancel(id, { requeue: true }), 'requested', 'the cancel with requeue of a running task')
  const queued = await settleWell(running, running.delivery, CANCELLED)
  equal(
    [queued.state, queued.progress, queued.failures, queued.crashes],
    ['QUEUED', 0, 0, 0],
    'the record of the requeued task',
  )
  equal([queued.cancelRequested, queued.startedAt], [undefined, undefined], 'its flag and its start')
  const second = await receiveOne(context, running.consumer)
  equal([second.task.id, second.lease.attempt], [id, 2], 'the attempt after a cancel with requeue')
  equal(
    await renew(running.consumer, second),
    { status: 'held' },
    'the renewal of the attempt after a cancel with requeue',
  )
  equal((await settleWell(running, second, DONE)).state, 'DONE', 'the state at last')
}

async function secondReplaces(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const { id } = running.task
  for (const requeue of [false, true, true]) {
    equal(await broker.cancel(id, { requeue }), 'requested', 'the cancel of a running task')
    equal((await getTask(broker, id)).cancelRequested, { requeue }, 'the flag')
  }
  equal(
    (await settleWell(running, running.delivery, CANCELLED)).state,
    'QUEUED',
    'the state after the last one said requeue',
  )
  const second = await receiveOne(context, running.consumer)
  for (const requeue of [true, false]) await broker.cancel(id, { requeue })
  equal(
    (await settleWell(running, second, CANCELLED)).state,
    'CANCELLED',
    'the state after the last one did not say requeue',
  )
}

async function againAfterRequeue(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const notices: CancelNotice[] = []
  const running = await runningTask(context, broker, { consumer: { onCancel: (notice) => notices.push(notice) } })
  const { id } = running.task
  let { delivery } = running
  for (const attempt of [1, 2, 3]) {
    equal(delivery.lease.attempt, attempt, 'the attempt')
    await broker.cancel(id, { requeue: true })
    await context.until('the broadcast', () => notices.some((notice) => notice.attempt === attempt))
    equal((await settleWell(running, delivery, CANCELLED)).state, 'QUEUED', `the state after cancel ${attempt}`)
    delivery = await receiveOne(context, running.consumer)
  }
  equal(await broker.cancel(id, { requeue: false }), 'requested', 'the fourth cancel')
  equal((await settleWell(running, delivery, CANCELLED)).state, 'CANCELLED', 'the state at last')
}

async function finishedStays(context: CaseContext): Promise<void> {
  const broker = await context.open()
  equal(await broker.cancel('unknown', { requeue: false }), 'unknown', 'the cancel of an unknown id')
  equal(await broker.cancel('unknown', { requeue: true }), 'unknown', 'the cancel with requeue of an unknown id')
  for (const outcome of [DONE, failed()]) {
    const running = await runningTask(context, broker)
    const ended = await settleWell(running, running.delivery, outcome)
    for (const requeue of [false, true]) {
      equal(await broker.cancel(ended.id, { requeue }), 'finished', `the cancel of a task that is ${ended.state}`)
    }
    equal(await getTask(broker, ended.id), ended, `the record of a task that is ${ended.state}, after its cancel`)
    await running.consumer.close()
  }
  const { id } = await submitOne(context, broker)
  equal(await broker.cancel(id, { requeue: false }), 'cancelled', 'the cancel of a queued task')
  const cancelled = await getTask(broker, id)
  for (const requeue of [false, true]) {
    equal(await broker.cancel(id, { requeue }), 'cancelled', 'the cancel of a task that is CANCELLED')
  }
  equal(await getTask(broker, id), cancelled, 'its record')
  equal(await retryAgain(broker, id), 'queued', 'the retry of a task that is CANCELLED')
  equal(await broker.cancel(id, { requeue: false }), 'cancelled', 'the cancel after a retry')
}

async function flaggedOutcomes(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const outcomes: Outcome[] = [again(0), again(60_000), failed(), RELEASED, LOST]
  for (const requeue of [false, true]) {
    for (const outcome of outcomes) {
      const running = await runningTask(context, broker)
      await broker.cancel(running.task.id, { requeue })
      const { state, failures, crashes, cancelRequested, runAt } = await settleWell(running, running.delivery, outcome)
      const what = `a flagged task${requeue ? ' with requeue' : ''} after ${outcome.type}`
      equal([state, cancelRequested], [requeue ? 'QUEUED' : 'CANCELLED', undefined], what)
      equal([failures, crashes, runAt], [0, 0, undefined], `failures, crashes and runAt of ${what}`)
      if (requeue) {
        const next = await receiveOne(context, running.consumer)
        equal([next.task.id, next.lease.attempt], [running.task.id, 2], `the next attempt of ${what}`)
        await settleWell(running, next, DONE)
      }
      await running.consumer.close()
    }
  }
}

async function flaggedResult(context: CaseContext): Promise<void> {
  const broker = await context.open()
  for (const requeue of [false, true]) {
    const running = await runningTask(context, broker)
    await broker.cancel(running.task.id, { requeue })
    const ended = await settleWell(running, running.delivery, DONE)
    equal([ended.state, ended.cancelRequested], ['DONE', undefined], 'a flagged task after its result')
    equal(await broker.result(ended.id), '"well done"', 'the result of a flagged task')
    await settleInVain(running, running.delivery, CANCELLED)
    await running.consumer.close()
  }
}

async function flaggedLoss(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const first = await runningTask(context, broker, { consumer: { lease } })
  const second = await runningTask(context, broker, { consumer: { lease } })
  await broker.cancel(first.task.id, { requeue: false })
  await broker.cancel(second.task.id, { requeue: true })
  const other = await openConsumer(context, broker, { lease })
  const next = await receiveOne(context, other)
  equal(
    [next.task.id, next.lease.attempt],
    [second.task.id, 2],
    'the task that was to be requeued when it lost its worker',
  )
  equal([next.task.crashes, next.task.failures], [0, 0], 'its crashes and failures')
  const watching = other.receive(1, context.signal)
  const ended = await untilState(context, broker, { id: first.task.id, state: 'CANCELLED' })
  equal([ended.attempt, ended.crashes], [1, 0], 'the record of a flagged task that lost its worker')
  await submitOne(context, broker)
  equal((await watching)[0]?.task.attempt, 1, 'the attempt of the next task')
}

async function unflaggedCancelled(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const ended = await settleWell(running, running.delivery, CANCELLED)
  equal([ended.state, ended.failures], ['CANCELLED', 0], 'a task that its worker settled as cancelled by itself')
}

export const cancel: readonly ConformanceCase[] = casesOf('cancel', [
  { name: 'a queued task is cancelled at once and never started', rule: 'cancel-waiting', run: queuedIsCancelled },
  { name: 'with requeue a waiting task stays', rule: 'cancel-requeue', run: waitingStays },
  { name: 'a running task hears of it, by broadcast and by renewals', rule: 'cancel-running', run: runningHears },
  { name: 'a renewal tells of it when the broadcast is lost', rule: 'cancel-running', run: renewalTells },
  { name: 'with requeue a running task returns', rule: 'cancel-requeue', run: runningReturns },
  { name: 'a second cancel replaces the first', rule: 'cancel-again', run: secondReplaces },
  { name: 'a requeued task can be cancelled again', rule: 'cancel-again', run: againAfterRequeue },
  { name: 'a finished task stays, an unknown one is said', rule: 'cancel-final', run: finishedStays },
  {
    name: 'a flagged task that fails, is released or crashes is cancelled',
    rule: 'cancel-and-failure',
    run: flaggedOutcomes,
  },
  { name: 'a flagged task that loses its worker is cancelled', rule: 'cancel-and-failure', run: flaggedLoss },
  { name: 'a result wins over a flag', rule: 'cancel-or-settle', run: flaggedResult },
  { name: 'a worker may end its task as cancelled', rule: 'outcome-ends', run: unflaggedCancelled },
  { name: 'cancel or claim wins, never both', rule: 'cancel-or-claim', timeout: 60_000, run: cancelOrClaim },
  { name: 'a cancel that races a result gives way', rule: 'cancel-or-settle', run: cancelOrResult },
  { name: 'a cancel that races a failure wins', rule: 'cancel-and-failure', run: cancelOrFailure },
  { name: 'many cancels of one task agree', rule: 'cancel-again', run: manyCancels },
])
