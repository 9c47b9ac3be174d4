import type { Outcome } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { equal, show } from '../check.ts'
import {
  again,
  DONE,
  failed,
  LOST,
  openConsumer,
  receiveNothing,
  receiveOne,
  RELEASED,
  runningTask,
  settle,
  settleInVain,
  settleWell,
} from '../consuming.ts'
import { getTask, submitOne } from '../submitting.ts'

export async function oldAttempt(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const first = await runningTask(context, broker)
  await settleWell(first, first.delivery, RELEASED)
  await settleInVain(first, first.delivery, DONE)
  const other = await context.another(broker)
  const consumer = await openConsumer(context, other)
  const second = await receiveOne(context, consumer)
  for (const outcome of [DONE, failed(), again(0), RELEASED, LOST]) {
    await settleInVain(first, first.delivery, outcome)
  }
  equal(await broker.result(first.task.id), undefined, 'the result after the late outcome of an old attempt')
  equal(await broker.errors(first.task.id), [], 'the errors after the late outcome of an old attempt')
  const ended = await settleWell({ context, broker: other, consumer }, second, { type: 'done', result: '"second"' })
  await settleInVain(first, first.delivery, { type: 'done', result: '"first"' })
  equal([ended.state, await other.result(ended.id)], ['DONE', '"second"'], 'the outcome that stands')
}

export async function settledTwice(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const outcomes: Outcome[] = [DONE, failed('first'), again(60_000, 'first'), RELEASED, LOST]
  for (const outcome of outcomes) {
    const task = await submitOne(context, broker, { queue: `${context.queue}-${outcome.type}` })
    const own = await openConsumer(context, broker, { queues: [task.queue] })
    const delivery = await receiveOne(context, own)
    const settled = await settleWell({ context, broker, consumer: own }, delivery, outcome)
    const errors = await broker.errors(task.id)
    // The same again, as over an outage, and then another one.
    for (const second of [outcome, { type: 'done', result: '"late"' } as const, failed('late')]) {
      await settle(own, delivery, second)
      equal(await getTask(broker, task.id), settled, `the record after ${outcome.type} and then ${second.type}`)
      equal(await broker.errors(task.id), errors, `the errors after ${outcome.type} and then ${second.type}`)
    }
    equal(await broker.result(task.id), outcome.type === 'done' ? '"well done"' : undefined, 'the result')
  }
  await receiveNothing(context, consumer, 100)
}

export async function racingOutcomes(context: CaseContext): Promise<void> {
  const broker = await context.open()
  for (let round = 0; round < 20; round++) {
    const { consumer, delivery, task } = await runningTask(context, broker)
    const outcomes: Outcome[] = [DONE, failed('raced'), { type: 'done', result: '"other"' }]
    await Promise.all(outcomes.map((outcome) => settle(consumer, delivery, outcome)))
    const ended = await context.until('one of the outcomes to stand', async () => {
      const read = await getTask(broker, task.id)
      return read.state !== 'RUNNING' && read
    })
    const result = await broker.result(task.id)
    equal(
      result === undefined,
      ended.state === 'ERROR',
      `whether the ${ended.state} task has no result: ${show(result)}`,
    )
    equal(
      (await broker.errors(task.id)).length,
      ended.state === 'ERROR' ? 1 : 0,
      `the errors of the ${ended.state} task`,
    )
    const [again] = await broker.get([task.id])
    equal(again, ended, 'the record, read again after three outcomes at once')
    await consumer.close()
  }
}
