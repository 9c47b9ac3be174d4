import { randomUUID } from 'node:crypto'
import type { Broker, Delivery } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  again,
  DONE,
  failed,
  openConsumer,
  receiveMany,
  receiveNothing,
  receiveOne,
  runningTask,
  settle,
  settleWell,
} from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, retryAgain, submitAll, submitAnswer, submitOne } from '../submitting.ts'
import { delayOutlivesItsProcess, delaySurvivesRestart, manyDelayed, manyDueAtOnce } from './delays-of-many.ts'

/** Milliseconds from `since` to the start, as bounds for a start that is due after `delay`. */
function dueAfter(context: CaseContext, delay: number): [number, number] {
  return [delay - context.tolerances.clock, delay + context.tolerances.delayLateness]
}

async function delayedStart(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  for (const delay of [1, 150, 800]) {
    const started = performance.now()
    const task = await submitOne(context, broker, { delay })
    const delivery = await receiveOne(context, consumer)
    between(performance.now() - started, dueAfter(context, delay), `ms from a submit with delay ${delay} to its start`)
    equal([delivery.task.id, delivery.task.runAt], [task.id, undefined], 'the delayed task when it starts')
    await settleWell({ context, broker, consumer }, delivery, DONE)
  }
}

async function startAtATime(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitOne(context, broker, { runAt: Date.now() - 60_000 })
  const early = performance.now()
  await receiveOne(context, consumer)
  between(
    performance.now() - early,
    [0, context.tolerances.delayLateness],
    'ms to the start of a task with a runAt in the past',
  )
  const started = performance.now()
  const runAt = Date.now() + 600
  const { id } = await submitOne(context, broker, { runAt })
  equal((await getTask(broker, id)).runAt, runAt, 'the runAt of the record')
  await receiveOne(context, consumer)
  between(performance.now() - started, dueAfter(context, 600), 'ms to the start of a task with a runAt in 600 ms')
}

async function laterOfBoth(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const both = [
    { delay: 500, runAt: Date.now() - 1000 },
    { delay: 1, runAt: Date.now() + 1000 },
  ]
  const started = performance.now()
  for (const fields of both) await submitOne(context, broker, fields)
  for (const due of [500, 1000]) {
    await receiveOne(context, consumer)
    between(
      performance.now() - started,
      dueAfter(context, due),
      `ms to the start of a task with delay and runAt, due in ${due}`,
    )
  }
}

async function zeroDelay(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const task = await submitOne(context, broker, { delay: 0 })
  equal((await broker.counts()).delayed, 0, 'tasks counted as delayed with delay 0')
  const consumer = await openConsumer(context, broker)
  equal((await receiveOne(context, consumer)).task.id, task.id, 'the task with delay 0')
}

async function backoffIsHeld(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 5 } })
  let { delivery } = running
  for (const delay of [200, 400, 800]) {
    const settled = performance.now()
    const waiting = await settleWell(running, delivery, again(delay))
    check(waiting.runAt !== undefined, `a retry with delay ${delay} has no runAt`)
    delivery = await receiveOne(context, running.consumer)
    between(performance.now() - settled, dueAfter(context, delay), `ms from a retry with delay ${delay} to its start`)
  }
  equal([delivery.lease.attempt, delivery.task.failures], [4, 3], 'attempt and failures after three retries')
}

async function retryHoldsUpNobody(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  await settleWell(running, running.delivery, again(3000))
  const others = new Set(await submitThree(context, broker))
  while (others.size > 0) {
    const started = performance.now()
    const delivery = await receiveOne(context, running.consumer)
    // In which order is another matter: they may have been claimed ahead, in several places at once.
    check(others.delete(delivery.task.id), `${delivery.task.id} was received while another waits for its retry`)
    between(
      performance.now() - started,
      [0, context.tolerances.wakeUp],
      'ms to the start of a task beside a waiting retry',
    )
    await settleWell(running, delivery, DONE)
  }
  equal((await getTask(broker, running.task.id)).state, 'QUEUED', 'the task that waits for its retry')
}

async function submitThree(context: CaseContext, broker: Broker): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < 3; index++) ids.push((await submitOne(context, broker)).id)
  return ids
}

async function waitingIsCancelled(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const delayed = await submitOne(context, broker, { delay: 400 })
  const running = await runningTask(context, broker, {
    fields: { queue: `${context.queue}-2` },
    consumer: { queues: [`${context.queue}-2`] },
  })
  await settleWell(running, running.delivery, again(400))
  for (const [id, attempt] of [
    [delayed.id, 0],
    [running.task.id, 1],
  ] as const) {
    equal((await getTask(broker, id)).attempt, attempt, 'the attempt of a task that waits')
    equal(await broker.cancel(id, { requeue: false }), 'cancelled', 'the cancel of a task that waits')
    const { state, attempt: after, completedAt, runAt } = await getTask(broker, id)
    equal([state, after, runAt], ['CANCELLED', attempt, undefined], 'the record of a task cancelled while it waited')
    check(completedAt !== undefined, 'a CANCELLED task has no completedAt')
  }
  await receiveNothing(context, consumer, 400 + context.tolerances.delayLateness)
  await receiveNothing(context, running.consumer, 100)
  equal((await broker.counts()).delayed, 0, 'tasks counted as delayed')
}

async function runsAgainAfterItsEnd(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 1, args: '"kept"' } })
  const { id } = running.task
  await settleWell(running, running.delivery, again(0, 'first'))
  const second = await receiveOne(context, running.consumer)
  await settleWell(running, second, DONE)
  // Servers that recognise repeated messages do so for a while: the second run must not be taken for one.
  await context.watchFor(1000)
  equal(await retryAgain(broker, id), 'queued', 'the answer to a retry one second after DONE')
  const queued = await getTask(broker, id)
  equal(
    [queued.state, queued.failures, queued.crashes, queued.progress],
    ['QUEUED', 0, 0, 0],
    'the record after a retry',
  )
  equal([queued.attempt, queued.completedAt], [2, undefined], 'attempt and completedAt after a retry')
  equal(await broker.result(id), undefined, 'the result after a retry')
  const third = await receiveOne(context, running.consumer)
  equal([third.lease.attempt, third.args, third.task.id], [3, '"kept"', id], 'the attempt after a retry')
  const failedOnce = await settleWell(running, third, again(0, 'third'))
  equal([failedOnce.state, failedOnce.failures], ['QUEUED', 1], 'the record after a failure: its retries were restored')
}

async function runsAgainFromEachEnd(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker, { fields: { maxRetries: 0 } })
  const { id } = running.task
  const runAgain = async (state: string): Promise<Delivery> => {
    equal((await getTask(broker, id)).state, state, 'the state before a retry')
    equal(await retryAgain(broker, id), 'queued', `the answer to a retry from ${state}`)
    return receiveOne(context, running.consumer)
  }
  await settleWell(running, running.delivery, failed())
  const second = await runAgain('ERROR')
  await broker.cancel(id, { requeue: false })
  await settleWell(running, second, { type: 'cancelled' })
  const third = await runAgain('CANCELLED')
  equal([third.lease.attempt, third.task.cancelRequested], [3, undefined], 'the attempt after a retry from CANCELLED')
  await settleWell(running, third, DONE)
  const queued = await submitOne(context, broker, { delay: 60_000 })
  await broker.cancel(queued.id, { requeue: false })
  equal(await retryAgain(broker, queued.id), 'queued', 'the answer to a retry of a task cancelled before it started')
  const first = await receiveOne(context, running.consumer)
  equal([first.task.id, first.lease.attempt], [queued.id, 1], 'the first attempt of a task cancelled before it started')
}

async function retryAnswers(context: CaseContext): Promise<void> {
  const broker = await context.open()
  equal(await retryAgain(broker, 'unknown'), 'unknown', 'the answer to a retry of an unknown id')
  const task = await submitOne(context, broker)
  equal(await retryAgain(broker, task.id), 'active', 'the answer to a retry of a QUEUED task')
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  equal(await retryAgain(broker, task.id), 'active', 'the answer to a retry of a RUNNING task')
  const running = await getTask(broker, task.id)
  await settleWell({ context, broker, consumer }, delivery, DONE)
  equal([running.attempt, running.state], [1, 'RUNNING'], 'the record after a retry of a RUNNING task')
}

async function racingRetries(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const running = await runningTask(context, broker)
  const { id } = running.task
  await settleWell(running, running.delivery, DONE)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => retryAgain(index % 2 ? broker : other, id)),
  )
  equal(
    answers.filter((answer) => answer === 'queued').length,
    1,
    'how many of 20 racing retries were answered "queued"',
  )
  equal(answers.filter((answer) => answer === 'active').length, 19, 'how many were answered "active"')
  const second = await receiveOne(context, running.consumer)
  equal(second.lease.attempt, 2, 'the attempt after 20 racing retries')
  await settleWell(running, second, DONE)
  await receiveNothing(context, running.consumer, 300)
}

async function repeatedRetry(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const { id } = running.task
  await settleWell(running, running.delivery, DONE)
  const nonce = randomUUID()
  equal(await retryAgain(broker, id, nonce), 'queued', 'the answer to a retry')
  equal(await retryAgain(broker, id, nonce), 'queued', 'the answer to a retry that is sent again')
  const second = await receiveOne(context, running.consumer)
  equal(await retryAgain(broker, id, nonce), 'queued', 'the answer to a retry that is sent again while the task runs')
  const ended = await settleWell(running, second, DONE)
  equal(
    await retryAgain(broker, id, nonce),
    'queued',
    'the answer to a retry that is sent again after the task has ended',
  )
  equal(await getTask(broker, id), ended, 'the record after a retry that was sent four times')
  await receiveNothing(context, running.consumer, 300)
}

async function delayedAreCounted(context: CaseContext): Promise<void> {
  const broker = await context.open()
  await submitAll(broker, [...newTasks(context, 3), ...newTasks(context, 4, { delay: 60_000 })])
  const running = await runningTask(context, broker, {
    fields: { queue: `${context.queue}-2` },
    consumer: { queues: [`${context.queue}-2`] },
  })
  await settleWell(running, running.delivery, again(60_000))
  const { QUEUED, delayed } = await broker.counts()
  equal([QUEUED, delayed], [8, 5], 'QUEUED and delayed tasks: three due, four delayed, one waiting for its retry')
  const consumer = await openConsumer(context, broker)
  const received = await receiveMany(context, consumer, 3)
  for (const delivery of received) await settle(consumer, delivery, DONE)
  const due = newTask(context, { delay: 300 })
  equal(await submitAnswer(broker, due), 'created', 'a task with a short delay')
  await receiveOne(context, consumer)
  equal((await broker.counts()).delayed, 5, 'delayed tasks when one of six has started')
  equal(idsOf((await broker.list({ states: ['QUEUED'], limit: 100 })).tasks).length, 5, 'QUEUED tasks listed')
}

export const retryAndDelay: readonly ConformanceCase[] = casesOf('retry-and-delay', [
  { name: 'a delay is neither early nor late', rule: 'delay-not-early', run: delayedStart },
  { name: 'a start at a time is neither early nor late', rule: 'delay-not-early', run: startAtATime },
  { name: 'of delay and runAt the later one counts', rule: 'delay-not-early', run: laterOfBoth },
  { name: 'a delay of zero is none', rule: 'delay-not-late', run: zeroDelay },
  { name: 'a sequence of backoffs is held', rule: 'delay-not-early', run: backoffIsHeld },
  { name: 'a waiting retry does not hold up the next task', rule: 'delays-apart', run: retryHoldsUpNobody },
  { name: '10,000 delayed tasks do not hold up due ones', rule: 'delays-apart', timeout: 90_000, run: manyDelayed },
  { name: '500 tasks due at one time start once each', rule: 'delay-not-late', timeout: 60_000, run: manyDueAtOnce },
  { name: 'what waits can be cancelled', rule: 'delay-cancel', run: waitingIsCancelled },
  { name: 'what waits is counted', rule: 'delay-cancel', run: delayedAreCounted },
  { name: 'a delay outlives its process', rule: 'delay-held', needs: ['shared'], run: delayOutlivesItsProcess },
  {
    name: 'a delay survives a restart of the server',
    rule: 'delay-held',
    needs: ['server', 'persistent'],
    timeout: 90_000,
    run: delaySurvivesRestart,
  },
  { name: 'a finished task runs again one second after its end', rule: 'retry-again', run: runsAgainAfterItsEnd },
  { name: 'a task runs again from each final state', rule: 'retry-again', run: runsAgainFromEachEnd },
  { name: 'retry says what it found', rule: 'retry-answers', run: retryAnswers },
  { name: 'of racing retries one counts', rule: 'retry-answers', run: racingRetries },
  { name: 'a retry that is sent again counts once', rule: 'retry-answers', run: repeatedRetry },
])
