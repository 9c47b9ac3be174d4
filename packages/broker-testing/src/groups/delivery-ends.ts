import type { Delivery } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal, rejects } from '../check.ts'
import { DONE, openConsumer, receiveMany, receiveOne, settle } from '../consuming.ts'
import { newTask, submitOne } from '../submitting.ts'

export async function abortIsHeeded(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const over = new AbortController()
  const waiting = consumer.receive(5, over.signal)
  await context.watchFor(100)
  over.abort()
  equal(await context.soon('an aborted receive to resolve', waiting, 3000 * context.settings.load), [], 'what it gave')
  const aborted = consumer.receive(5, over.signal)
  const received = await context.soon(
    'receive with an aborted signal to resolve',
    aborted,
    3000 * context.settings.load,
  )
  equal(received, [], 'what it gave')
  await submitOne(context, broker)
  equal((await receiveOne(context, consumer)).lease.attempt, 1, 'the attempt of a task after an abort')
}

/** Aborts before, while and after a task can be claimed. */
export async function abortLosesNothing(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const received: Delivery[] = []
  const rounds = 96
  for (let round = 0; round < rounds; round++) {
    const over = new AbortController()
    const receiving = consumer.receive(2, over.signal)
    setTimeout(() => over.abort(), (round % 12) / 2)
    await pause(Math.floor(round / 12) / 2)
    await submitOne(context, broker)
    const deliveries = await context.soon('an aborted receive to resolve', receiving)
    received.push(...deliveries)
    for (const delivery of deliveries) await settle(consumer, delivery, DONE)
  }
  received.push(...(await receiveMany(context, consumer, rounds - received.length)))
  const again = received.filter(({ lease }) => lease.attempt !== 1).length
  equal(again, 0, 'tasks that were claimed by an aborted receive and not handed out')
  equal(new Set(received.map(({ task }) => task.id)).size, rounds, 'different tasks received over aborts')
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

export async function closedReceive(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const waiting = consumer.receive(1, context.signal).then(
    (deliveries) => `it resolved with ${deliveries.length}`,
    (error: unknown) => (error as { code?: string }).code,
  )
  await context.watchFor(50)
  await context.soon('close of a consumer that waits', consumer.close())
  const ended = await context.soon('a waiting receive to end', waiting)
  check(ended === 'BrokerClosed' || ended === 'it resolved with 0', `receive of a consumer that is closed: ${ended}`)
  await rejects(consumer.receive(1, context.signal), 'BrokerClosed', 'receive after the close of its consumer')
  await broker.submit([newTask(context)])
  await receiveOne(context, await openConsumer(context, broker))
}
