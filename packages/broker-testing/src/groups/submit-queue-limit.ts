import type { CaseContext } from '../case-context.ts'
import { check, equal, show } from '../check.ts'
import { DONE, openConsumer, receiveMany, settle } from '../consuming.ts'
import { newTask, newTasks, submitAll, submitAnswer } from '../submitting.ts'

export async function fullQueue(context: CaseContext): Promise<void> {
  const broker = await context.open()
  if (!context.capabilities.queueLimit) {
    const [answer] = await broker.submit([newTask(context, { maxQueued: 5 })])
    check(answer && !answer.ok, 'maxQueued was accepted by a broker that declares no queueLimit')
    equal(answer.error.code, 'NotSupported', 'the error where there is no queueLimit')
    return
  }
  const first = newTasks(context, 5, { maxQueued: 5 })
  await submitAll(broker, first)
  const elsewhere = newTask(context, { queue: `${context.queue}-2`, maxQueued: 5 })
  const unlimited = newTask(context)
  const answers = await broker.submit([newTask(context, { maxQueued: 5 }), elsewhere, unlimited])
  const [full, ...others] = answers
  check(full && !full.ok, 'a sixth task was accepted by a queue with room for five')
  equal(full.error.code, 'QueueFull', `the error of a full queue: ${show(full.error)}`)
  equal(
    others.map((answer) => answer.ok),
    [true, true],
    'neighbours in the batch: of another queue, and without a limit',
  )
  equal(await submitAnswer(broker, newTask(context, { id: first[0]?.id ?? '', maxQueued: 5 })), 'exists', 'a known id')
  equal(
    await submitAnswer(broker, { ...(first[1] as (typeof first)[0]) }),
    'created',
    'a submission that is sent again',
  )
}

export async function queueRoom(context: CaseContext): Promise<void> {
  if (!context.capabilities.queueLimit)
    return context.skip('it keeps no queue limit (capabilities.queueLimit is false)')
  const broker = await context.open()
  await submitAll(broker, newTasks(context, 3, { maxQueued: 3 }))
  const consumer = await openConsumer(context, broker)
  const deliveries = await receiveMany(context, consumer, 2)
  await submitAll(broker, newTasks(context, 2, { maxQueued: 3 }))
  const [full] = await broker.submit([newTask(context, { maxQueued: 3 })])
  check(full && !full.ok, 'a queue with three waiting took a fourth')
  for (const delivery of deliveries) await settle(consumer, delivery, DONE)
  const delayed = newTask(context, { maxQueued: 4, delay: 60_000 })
  equal(await submitAnswer(broker, delayed), 'created', 'a delayed task where there is room')
}
