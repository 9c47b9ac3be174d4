import type { Broker, CancelAnswer, Delivery } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal } from '../check.ts'
import { again, CANCELLED, DONE, openConsumer, receiveMany, receiveNothing, settle, settleWell } from '../consuming.ts'
import type { Holder } from '../consuming.ts'
import { getTask, newTasks, submitAll, untilState } from '../submitting.ts'

/** Cancels from one process race claims of another, at moments that differ from task to task. */
export async function cancelOrClaim(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  // What was started in the first round is settled after the last one.
  const consumer = await openConsumer(context, broker, { lease: 60_000 * context.settings.load })
  const started = new Map<string, Delivery>()
  const answers = new Map<string, CancelAnswer>()
  for (let round = 0; round < 30; round++) {
    const tasks = newTasks(context, 10)
    await submitAll(other, tasks)
    const over = new AbortController()
    const receiving = receiveAll(consumer, over.signal, started)
    for (const { id } of tasks) answers.set(id, await other.cancel(id, { requeue: false }))
    over.abort()
    await receiving
  }
  const leftover = new AbortController()
  setTimeout(() => leftover.abort(), 500)
  await receiveAll(consumer, leftover.signal, started)
  for (const [id, answer] of answers) {
    check(answer === 'cancelled' || answer === 'requested', `the cancel of ${id} was answered ${answer}`)
    // What was claimed ahead and flagged before it was handed out need not be handed out any more.
    const unknown = answer === 'requested' && context.capabilities.claimAhead > 0
    if (!unknown)
      equal(started.has(id), answer === 'requested', `whether ${id} was started, its cancel answered ${answer}`)
    const delivery = started.get(id)
    if (delivery) await settleWell({ context, broker, consumer }, delivery, CANCELLED)
    equal((await getTask(broker, id)).state, 'CANCELLED', `the state of ${id}`)
  }
}

async function receiveAll(
  consumer: Holder['consumer'],
  signal: AbortSignal,
  started: Map<string, Delivery>,
): Promise<void> {
  while (!signal.aborted) {
    for (const delivery of await consumer.receive(3, signal)) {
      check(!started.has(delivery.task.id), `${delivery.task.id} was started twice`)
      started.set(delivery.task.id, delivery)
    }
  }
}

async function held(context: CaseContext, count: number): Promise<Holder & { other: Broker; deliveries: Delivery[] }> {
  const broker = await context.open()
  const other = await context.another(broker)
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, count))
  return { context, broker, consumer, other, deliveries: await receiveMany(context, consumer, count) }
}

export async function cancelOrResult(context: CaseContext): Promise<void> {
  const { broker, consumer, other, deliveries } = await held(context, 100)
  for (const [index, delivery] of deliveries.entries()) {
    const { id } = delivery.task
    const racing = [
      () => settle(consumer, delivery, DONE),
      () => other.cancel(id, { requeue: index % 4 === 0 }),
    ] as const
    const calls = index % 2 === 0 ? racing : racing.toReversed()
    const answers = await Promise.all(calls.map((call) => call()))
    const cancelled = answers.find((answer) => answer === 'requested' || answer === 'finished')
    check(cancelled, `a cancel that races a result was answered ${answers.join(' and ')}`)
    check(!answers.includes('superseded'), 'a result that races a cancel was superseded')
    await untilState(context, broker, { id, state: 'DONE' })
    equal(await broker.result(id), '"well done"', 'the result')
  }
}

export async function cancelOrFailure(context: CaseContext): Promise<void> {
  const { broker, consumer, other, deliveries } = await held(context, 60)
  for (const [index, delivery] of deliveries.entries()) {
    const { id } = delivery.task
    const settling = (): Promise<unknown> => settle(consumer, delivery, again(index % 3 === 0 ? 60_000 : 0))
    const cancelling = (): Promise<unknown> => other.cancel(id, { requeue: false })
    await Promise.all(index % 2 === 0 ? [settling(), cancelling()] : [cancelling(), settling()])
    await untilState(context, broker, { id, state: 'CANCELLED' })
  }
  await receiveNothing(context, consumer, 300)
}

export async function manyCancels(context: CaseContext): Promise<void> {
  const { broker, consumer, other, deliveries } = await held(context, 1)
  const [delivery] = deliveries as [Delivery]
  const flagging = Array.from({ length: 20 }, (_, index) =>
    (index % 2 ? broker : other).cancel(delivery.task.id, { requeue: false }),
  )
  equal([...new Set(await Promise.all(flagging))], ['requested'], 'the answers to 20 cancels at once of a running task')
  await settleWell({ context, broker, consumer }, delivery, CANCELLED)
  const [queued] = newTasks(context, 1)
  if (!queued) return
  await submitAll(broker, [queued])
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 ? broker : other).cancel(queued.id, { requeue: false })),
  )
  equal([...new Set(answers)], ['cancelled'], 'the answers to 20 cancels at once of a queued task')
}
