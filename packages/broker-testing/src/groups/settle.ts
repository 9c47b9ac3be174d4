import type { Broker, Delivery, Lease, SubscriptionItem } from '@ds/core'
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
  receiveMany,
  receiveNothing,
  receiveOne,
  RELEASED,
  runningTask,
  settle,
  settleWell,
  taskError,
} from '../consuming.ts'
import { getTask, newTasks, retryAgain, submitAll, untilState, valueOf } from '../submitting.ts'
import { oldAttempt, racingOutcomes, settledTwice } from './settle-fencing.ts'
import { errorsAreCut, lastErrorsKept } from './settle-errors.ts'

async function doneEnds(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { consumer: { lease: 1000 } })
  const ended = await settleWell(running, running.delivery, { type: 'done', result: '{"a":[1]}' })
  equal([ended.state, ended.progress, ended.attempt, ended.failures, ended.crashes], ['DONE', 1, 1, 0, 0], 'the record')
  check(ended.completedAt !== undefined && ended.completedAt >= ended.createdAt, 'a DONE task has no completedAt')
  equal(await broker.result(ended.id), '{"a":[1]}', 'the result')
  equal(await broker.errors(ended.id), [], 'the errors')
  // Longer than its lease: an entry that was left in the queue would come back.
  await receiveNothing(context, running.consumer, 1000 + context.capabilities.sweepInterval + 500)
}

async function errorEnds(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { consumer: { lease: 1000 } })
  const ended = await settleWell(running, running.delivery, failed('for good'))
  equal([ended.state, ended.failures, ended.crashes], ['ERROR', 1, 0], 'the record of a failed task')
  check(ended.completedAt !== undefined, 'a task in ERROR has no completedAt')
  const [error, ...more] = await broker.errors(ended.id)
  equal([error?.attempt, error?.error, more.length], [1, taskError('for good'), 0], 'the errors of a failed task')
  equal(await broker.result(ended.id), undefined, 'the result of a failed task')
  await receiveNothing(context, running.consumer, 1000 + context.capabilities.sweepInterval + 500)
}

async function cancelledEnds(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  equal(await broker.cancel(running.task.id, { requeue: false }), 'requested', 'the cancel of a running task')
  const ended = await settleWell(running, running.delivery, { type: 'cancelled' })
  equal(
    [ended.state, ended.failures, ended.cancelRequested],
    ['CANCELLED', 0, undefined],
    'the record of a cancelled task',
  )
  check(ended.completedAt !== undefined, 'a CANCELLED task has no completedAt')
  await receiveNothing(context, running.consumer, 300)
}

async function resultBeforeAnswer(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const consumer = await openConsumer(context, other)
  await submitAll(broker, newTasks(context, 100))
  for (const delivery of await receiveMany(context, consumer, 100)) {
    const { id } = delivery.task
    const answer = await settle(consumer, delivery, { type: 'done', result: JSON.stringify(id) })
    if (answer === 'recorded') await untilState(context, other, { id, state: 'DONE' })
    equal(await other.result(id), JSON.stringify(id), 'the result, read by its worker when the outcome was answered')
  }
}

async function resultWithEvent(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const events = await other.subscribe({}, { signal: context.signal })
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 50))
  const deliveries = await receiveMany(context, consumer, 50)
  const settling = consumer.settle(deliveries.map(({ lease }) => ({ lease, outcome: DONE })))
  await context.soon('the results of 50 tasks to be told and read', readResults(events, other, 50))
  await settling
}

async function readResults(events: AsyncIterable<SubscriptionItem>, broker: Broker, count: number): Promise<void> {
  const told = new Set<string>()
  for await (const event of events) {
    if (event.type !== 'ResultEvent') continue
    equal((await getTask(broker, event.taskId)).state, 'DONE', 'the state, read on a ResultEvent')
    equal(await broker.result(event.taskId), '"well done"', 'the result, read on a ResultEvent')
    if (told.add(event.taskId).size === count) return
  }
}

async function retryRunsAgain(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 2, args: '"same"' } })
  const waiting = await settleWell(running, running.delivery, again(0, 'first'))
  equal(
    [waiting.state, waiting.failures, waiting.attempt, waiting.progress],
    ['QUEUED', 1, 1, 0],
    'the record after a retry',
  )
  equal([waiting.startedAt, waiting.completedAt], [undefined, undefined], 'startedAt and completedAt after a retry')
  const second = await receiveOne(context, running.consumer)
  equal([second.lease.attempt, second.args, second.task.failures], [2, '"same"', 1], 'the second attempt')
  equal(second.previousError, taskError('first'), 'the error that the second attempt gets')
  await settleWell(running, second, again(0, 'second'))
  const third = await receiveOne(context, running.consumer)
  equal([third.lease.attempt, third.previousError], [3, taskError('second')], 'the third attempt')
  const ended = await settleWell(running, third, again(0, 'third'))
  equal([ended.state, ended.failures, ended.attempt], ['ERROR', 3, 3], 'the record after the last retry')
  equal(
    (await broker.errors(ended.id)).map(({ attempt }) => attempt),
    [1, 2, 3],
    'the attempts in the list of errors',
  )
  await receiveNothing(context, running.consumer, 300)
}

async function noRetries(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 0 } })
  const ended = await settleWell(running, running.delivery, again(0))
  equal([ended.state, ended.failures], ['ERROR', 1], 'the record of a task with maxRetries 0 after a retry')
}

async function limitOfTheOutcome(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const more = await runningTask(context, broker, { fields: { maxRetries: 0 } })
  const kept = await settleWell(more, more.delivery, { ...again(0), maxRetries: 1 })
  equal([kept.state, kept.maxRetries], ['QUEUED', 0], 'maxRetries 0, a retry with maxRetries 1')
  const second = await receiveOne(context, more.consumer)
  const over = await settleWell(more, second, { ...again(0), maxRetries: 1 })
  equal([over.state, over.failures], ['ERROR', 2], 'a second retry with maxRetries 1')
  const fewer = await runningTask(context, broker, { fields: { maxRetries: 5 } })
  const ended = await settleWell(fewer, fewer.delivery, { ...again(0), maxRetries: 0 })
  equal([ended.state, ended.failures], ['ERROR', 1], 'maxRetries 5, a retry with maxRetries 0')
}

async function releasedRunsElsewhere(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 0, maxCrashes: 1 } })
  const other = await openConsumer(context, await context.another(broker))
  const receiving = receiveOne(context, other)
  const started = performance.now()
  const answer = await settle(running.consumer, running.delivery, RELEASED)
  check(answer !== 'superseded', 'a release was superseded')
  const second = await receiving
  const time = performance.now() - started
  check(time < context.tolerances.wakeUp, `a released task started elsewhere after ${Math.round(time)} ms only`)
  const { task } = second
  equal([task.attempt, task.failures, task.crashes, task.state], [2, 0, 0, 'RUNNING'], 'the task after a release')
  equal(second.previousError, undefined, 'the error that the attempt after a release gets')
  equal(await broker.errors(task.id), [], 'the errors after a release')
}

async function lostIsACrash(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 0, maxCrashes: 2 } })
  const waiting = await settleWell(running, running.delivery, LOST)
  equal([waiting.state, waiting.crashes, waiting.failures], ['QUEUED', 1, 0], 'the record after a crash')
  const second = await receiveOne(context, running.consumer)
  equal([second.lease.attempt, second.task.crashes], [2, 1], 'the attempt after a crash')
  const ended = await settleWell(running, second, LOST)
  equal([ended.state, ended.crashes, ended.failures], ['ERROR', 2, 0], 'the record after two crashes of at most two')
  const errors = await broker.errors(ended.id)
  equal(
    errors.map(({ attempt, error }) => [attempt, error.name]),
    [
      [1, 'WorkerLost'],
      [2, 'WorkerLost'],
    ],
    'its errors',
  )
  await receiveNothing(context, running.consumer, 300)
}

async function crashesAndFailures(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 2, maxCrashes: 3 } })
  let delivery = running.delivery
  for (const outcome of [again(0), LOST, RELEASED, again(0), LOST]) {
    equal((await settleWell(running, delivery, outcome)).state, 'QUEUED', `the state after ${outcome.type}`)
    delivery = await receiveOne(context, running.consumer)
  }
  const { attempt, failures, crashes } = delivery.task
  equal([attempt, failures, crashes], [6, 2, 2], 'attempt, failures and crashes after two of each and a release')
  equal((await settleWell(running, delivery, DONE)).state, 'DONE', 'the state at last')
}

async function answersInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 6))
  const deliveries = await receiveMany(context, consumer, 6)
  const closed = deliveries.slice(0, 2)
  for (const delivery of closed) await settleWell({ context, broker, consumer }, delivery, DONE)
  const order = [2, 0, 3, 4, 1, 5]
  const items = order.map((index) => ({ lease: leaseAt(deliveries, index), outcome: failed('in a batch') }))
  const answers = (await consumer.settle(items)).map((answer) => valueOf(answer, 'a batch of settlements'))
  equal(answers.length, 6, 'the number of answers to six settlements')
  const logged = answers.includes('recorded')
  const expected = order.map((index) => (index < 2 ? 'superseded' : 'applied'))
  if (!logged) equal(answers, expected, 'the answers to a batch of open and closed attempts')
  for (const [index, { task }] of deliveries.entries()) {
    await untilState(context, broker, { id: task.id, state: index < 2 ? 'DONE' : 'ERROR' })
  }
  equal(await consumer.settle([]), [], 'the answers to an empty batch')
}

function leaseAt(deliveries: readonly Delivery[], index: number): Lease {
  const delivery = deliveries[index]
  check(delivery, `there is no delivery ${index}`)
  return delivery.lease
}

async function attemptsOnlyGrow(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  let delivery = running.delivery
  const attempts = [delivery.lease.attempt]
  for (const outcome of [RELEASED, again(0), LOST, DONE, failed()]) {
    const settled = await settleWell(running, delivery, outcome)
    if (settled.state !== 'QUEUED') equal(await retryAgain(broker, settled.id), 'queued', 'the answer to retry')
    equal((await getTask(broker, settled.id)).attempt, delivery.lease.attempt, `the attempt after ${outcome.type}`)
    delivery = await receiveOne(context, running.consumer)
    attempts.push(delivery.lease.attempt)
  }
  equal(attempts, [1, 2, 3, 4, 5, 6], 'the attempts over releases, retries and crashes')
}

export const settling: readonly ConformanceCase[] = casesOf('settle', [
  { name: 'done ends the task for good', rule: 'outcome-ends', run: doneEnds },
  { name: 'an error ends the task for good', rule: 'outcome-ends', run: errorEnds },
  { name: 'cancelled ends the task for good', rule: 'outcome-ends', run: cancelledEnds },
  { name: 'a result is there when its outcome is answered', rule: 'outcome-stored-first', run: resultBeforeAnswer },
  { name: 'a result is there when its event comes', rule: 'outcome-stored-first', run: resultWithEvent },
  { name: 'a retry runs again until none is left', rule: 'retries-limit', run: retryRunsAgain },
  { name: 'a task without retries ends with its first error', rule: 'retries-limit', run: noRetries },
  { name: 'an outcome may bring its own limit of retries', rule: 'retries-limit', run: limitOfTheOutcome },
  { name: 'the errors of the last 20 attempts are kept', rule: 'errors-kept', timeout: 60_000, run: lastErrorsKept },
  { name: 'an error comes back whole', rule: 'errors-kept', run: errorsAreCut },
  { name: 'a released task runs elsewhere at once', rule: 'released', run: releasedRunsElsewhere },
  { name: 'a lost worker is a crash, up to the limit', rule: 'crashes', run: lostIsACrash },
  { name: 'crashes and failures are counted apart', rule: 'crashes', run: crashesAndFailures },
  { name: 'attempts only grow', rule: 'attempts', run: attemptsOnlyGrow },
  { name: 'the outcome of an old attempt changes nothing', rule: 'fencing', run: oldAttempt },
  { name: 'settling twice has no effect the second time', rule: 'settle-twice', run: settledTwice },
  { name: 'of racing outcomes one stands', rule: 'settle-twice', run: racingOutcomes },
  { name: 'settlements are answered one by one, in order', rule: 'settle-answers', run: answersInOrder },
])
