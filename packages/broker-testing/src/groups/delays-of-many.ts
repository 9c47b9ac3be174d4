import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers } from '../check.ts'
import { again, openConsumer, receiveMany, receiveOne, runningTask, settleWell } from '../consuming.ts'
import { batchesOf, getTask, idsOf, newTasks, submitAll, submitOne } from '../submitting.ts'

export async function manyDelayed(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const delayed = newTasks(context, 10_000, { delay: 3_600_000 })
  for (const batch of batchesOf(broker, delayed)) await submitAll(broker, batch)
  equal((await broker.counts()).delayed, 10_000, 'delayed tasks')
  const consumer = await openConsumer(context, broker)
  const due = newTasks(context, 100)
  await submitAll(broker, due)
  const started = performance.now()
  const received = await receiveMany(context, consumer, 100)
  const time = performance.now() - started
  between(time, [0, 2 * context.tolerances.wakeUp], 'ms to receive 100 due tasks beside 10,000 delayed ones')
  sameMembers(idsOf(received.map(({ task }) => task)), idsOf(due), 'the tasks received beside 10,000 delayed ones')
}

export async function manyDueAtOnce(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const runAt = Date.now() + 1500 * context.settings.load
  const tasks = newTasks(context, 500, { runAt })
  await submitAll(broker, tasks)
  const consumers = [await openConsumer(context, broker), await openConsumer(context, await context.another(broker))]
  const received: string[] = []
  const receiving = consumers.map(async (consumer) => {
    while (received.length < tasks.length && !context.signal.aborted) {
      const deliveries = await consumer.receive(50, AbortSignal.any([context.signal, AbortSignal.timeout(250)]))
      check(deliveries.length === 0 || Date.now() >= runAt - context.tolerances.clock, 'a task started before its time')
      received.push(...deliveries.map(({ task }) => task.id))
    }
  })
  await context.soon(
    '500 tasks due at one time to start',
    Promise.all(receiving),
    runAt - Date.now() + context.tolerances.patience,
  )
  sameMembers(received, idsOf(tasks), 'the tasks that were due at one time')
}

export async function delayOutlivesItsProcess(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const running = await runningTask(context, broker)
  const retried = performance.now()
  await settleWell(running, running.delivery, again(1500))
  const submitted = performance.now()
  const delayed = await submitOne(context, broker, { delay: 2000 })
  await broker.close()
  const later = await context.open()
  const consumer = await openConsumer(context, later)
  const { clock, delayLateness } = context.tolerances
  const first = await receiveOne(context, consumer)
  equal([first.task.id, first.lease.attempt], [running.task.id, 2], 'the retry that outlived its process')
  between(performance.now() - retried, [1500 - clock, 1500 + delayLateness], 'ms from the retry to its start')
  const second = await receiveOne(context, consumer)
  equal(second.task.id, delayed.id, 'the delayed task that outlived its process')
  between(performance.now() - submitted, [2000 - clock, 2000 + delayLateness], 'ms from the submit to its start')
}

export async function delaySurvivesRestart(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const submitted = performance.now()
  const delayed = await submitOne(context, broker, { delay: 6000 })
  const running = await runningTask(context, broker)
  await settleWell(running, running.delivery, again(500))
  await server.stop()
  await server.start()
  // Of a server that takes long to start both are due by then, and no order is promised.
  const attempts = new Map<string, number>()
  let delayedAt = NaN
  for (let count = 0; count < 2; count += 1) {
    const { task, lease } = await receiveOne(context, running.consumer)
    attempts.set(task.id, lease.attempt)
    if (task.id === delayed.id) delayedAt = performance.now()
  }
  equal(attempts.get(running.task.id), 2, 'the attempt of the retry that was due while the server was away')
  const { clock, recovery } = context.tolerances
  between(delayedAt - submitted, [6000 - clock, 6000 + recovery], 'ms from the delayed submit to its start')
  equal((await getTask(broker, delayed.id)).attempt, 1, 'its attempt')
}
