import { DsError } from '@ds/core'
import type { Broker, Delivery, NewTask } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers, show } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  DONE,
  leaseOf,
  openConsumer,
  receiveMany,
  receiveOne,
  RELEASED,
  renew,
  runningTask,
  settle,
  settleWell,
} from '../consuming.ts'
import { getTask, idsOf, newTasks, submitAll, submitOne } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'
import { longestWait } from './lease.ts'

async function closeDuringSubmit(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const tasks = newTasks(context, 400)
  const told: string[] = []
  const submitting = tasks.map((task, index) => submitLater(broker, task, { turns: index % 40, told }))
  await context.until('the first submit to be answered', () => told.length > 0)
  await context.soon('close to resolve while submits are under way', broker.close())
  const endings = await context.soon('every submit to end', Promise.all(submitting))
  const wrong = endings.filter(
    (ending) => ending !== 'created' && ending !== 'BrokerClosed' && ending !== 'BrokerUnavailable',
  )
  equal(wrong, [], 'the endings of submits that were neither an answer nor a typed rejection')
  if (!context.capabilities.shared) return
  const reader = await context.open()
  const found = (await reader.get(told)).filter(Boolean).length
  equal(found, told.length, 'tasks stored of those answered "created"')
}

/** Submits after some turns of the event loop, so that close meets submits in every stage. */
async function submitLater(
  broker: Broker,
  task: NewTask,
  { turns, told }: { turns: number; told: string[] },
): Promise<string> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  try {
    const [answer] = await broker.submit([task])
    if (!answer?.ok) return answer ? answer.error.code : 'no answer'
    told.push(task.id)
    return answer.value
  } catch (error) {
    return DsError.is(error) ? error.code : show(error)
  }
}

async function closeDuringSettle(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 100))
  const deliveries = await receiveMany(context, consumer, 100)
  const settling = deliveries.map((delivery) =>
    settle(consumer, delivery, DONE).catch((error: unknown) => (DsError.is(error) ? error.code : show(error))),
  )
  await context.soon('close to resolve while settlements are under way', broker.close())
  const endings = await context.soon('every settlement to end', Promise.all(settling))
  const wrong = endings.filter(
    (ending) => !['applied', 'recorded', 'BrokerClosed', 'BrokerUnavailable'].includes(ending),
  )
  equal(wrong, [], 'the endings of settlements that were neither an answer nor a typed rejection')
  if (!context.capabilities.shared) return
  const stood = deliveries.filter((_, index) => endings[index] === 'applied').map(({ task }) => task.id)
  const states = (await other.get(stood)).map((task) => task?.state)
  equal(
    states.filter((state) => state !== 'DONE'),
    [],
    'the states of tasks whose outcome was answered "applied"',
  )
}

async function drainingKeepsLeases(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const running = await runningTask(context, broker, { consumer: { lease } })
  const other = await openConsumer(context, await context.another(broker), { lease })
  await running.consumer.drain()
  const waiting = other.receive(1, context.signal)
  const { expiresIn } = running.delivery.lease
  for (let third = 0; third < 6; third++) {
    await context.watchFor(expiresIn / 3)
    equal(await renew(running.consumer, running.delivery), { status: 'held' }, 'the renewal of a draining worker')
  }
  const ended = await settleWell(running, running.delivery, DONE)
  equal([ended.state, ended.attempt, ended.crashes], ['DONE', 1, 0], 'what a draining worker ended, two leases later')
  const { id } = await submitOne(context, broker)
  const [next] = await context.soon('the other worker to receive', waiting)
  equal(next?.task.id, id, 'what the other worker received')
}

async function drainStopsReceiving(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const waiting = consumer.receive(5, context.signal).catch(endedTyped)
  await context.watchFor(100)
  await context.soon('drain to resolve', consumer.drain())
  equal(await context.soon('a waiting receive to end with drain', waiting), [], 'what it gave')
  const tasks = newTasks(context, 20)
  await submitAll(broker, tasks)
  const later = consumer.receive(5, AbortSignal.any([context.signal, AbortSignal.timeout(500)])).catch(endedTyped)
  equal(await context.soon('receive after drain to end', later), [], 'what receive gave after drain')
  await consumer.drain()
  const other = await openConsumer(context, await context.another(broker))
  const received = await receiveMany(context, other, 20)
  sameMembers(idsOf(received.map(({ task }) => task)), idsOf(tasks), 'what another worker received')
  equal(
    received.filter(({ task }) => task.attempt !== 1 || task.crashes > 0),
    [],
    'those held against anybody',
  )
}

function endedTyped(error: unknown): Delivery[] {
  check(DsError.is(error, 'BrokerClosed'), `receive after drain rejected with ${show(error)}`)
  return []
}

/** What was claimed ahead goes back at once; what was handed out stays. */
async function drainGivesBack(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 50))
  const [held] = await receiveMany(context, consumer, 1)
  check(held, 'nothing was received')
  await consumer.drain()
  const started = performance.now()
  const other = await openConsumer(context, await context.another(broker))
  const received = await receiveMany(context, other, 49)
  const bound = 2 * context.tolerances.wakeUp + context.capabilities.takeover
  between(performance.now() - started, [0, bound], 'ms until another worker had what a draining one was not given')
  equal(
    received.filter(({ task }) => task.crashes > 0 || task.failures > 0),
    [],
    'those held against anybody',
  )
  equal((await settleWell({ context, broker, consumer }, held, DONE)).state, 'DONE', 'what the draining worker held')
}

async function releasedAtOnce(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await submitAll(broker, newTasks(context, 20))
  const held = await receiveMany(context, consumer, 20)
  await consumer.drain()
  const other = await openConsumer(context, await context.another(broker))
  const receiving = receiveMany(context, other, 20)
  const started = performance.now()
  await consumer.settle(held.map(({ lease }) => ({ lease, outcome: RELEASED })))
  await consumer.close()
  const received = await receiving
  between(performance.now() - started, [0, 2 * context.tolerances.wakeUp], 'ms until 20 released tasks ran elsewhere')
  equal(
    received.filter(({ task }) => task.crashes > 0 || task.failures > 0),
    [],
    'those held against anybody',
  )
}

async function closeLetsLeasesRun(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const running = await runningTask(context, broker, { consumer: { lease } })
  const other = await openConsumer(context, await context.another(broker), { lease })
  const claimed = performance.now()
  await running.consumer.close()
  const next = await receiveOne(context, other)
  const waited = performance.now() - claimed
  equal(
    [next.task.id, next.lease.attempt, next.task.crashes],
    [running.task.id, 2, 1],
    'what a closed consumer had held',
  )
  const bounds: [number, number] = [running.delivery.lease.expiresIn / 2, longestWait(context, running.delivery)]
  between(waited, bounds, 'ms until what a closed consumer held ran again')
}

async function drainUnderLoad(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const started: string[] = []
  const finished: string[] = []
  const start = (on: Broker): Promise<TestWorker> =>
    TestWorker.start({
      broker: on,
      queues: [context.queue],
      concurrency: 5,
      lease: context.tolerances.patience,
      handle: async ({ task }) => {
        started.push(task.id)
        await new Promise((resolve) => setTimeout(resolve, 2))
        return DONE
      },
      onSettled: ({ task }, answer) => void (answer.ok && answer.value !== 'superseded' && finished.push(task.id)),
    })
  const tasks = newTasks(context, 1000)
  let worker = await start(broker)
  await submitAll(broker, tasks)
  for (let round = 1; round <= 8; round++) {
    await context.until('some tasks to finish', () => finished.length >= round * 100)
    const next = await start(await context.another(broker))
    await context.soon('a worker to stop under load', worker.stop())
    worker = next
  }
  await context.until('all tasks to finish', () => finished.length >= tasks.length)
  await worker.stop()
  sameMembers(finished, idsOf(tasks), 'the tasks finished over eight changes of workers')
  sameMembers(started, idsOf(tasks), 'the starts over eight changes of workers')
  // What was claimed ahead and given back has used up an attempt without a start.
  const isClaimedOnce = context.capabilities.claimAhead === 0
  const crashed = (await broker.get(idsOf(tasks))).filter(
    (task) => task?.crashes !== 0 || (isClaimedOnce && task.attempt !== 1),
  )
  equal(
    crashed.map((task) => task?.id),
    [],
    'tasks that crashed or were claimed twice when workers stopped in good order',
  )
}

async function closeTwiceHeld(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const { consumer, task } = await runningTask(context, broker)
  await context.soon('two closes at once', Promise.all([consumer.close(), consumer.close()]))
  await consumer.close()
  await consumer.drain()
  equal((await getTask(broker, task.id)).state, 'RUNNING', 'the state of what a closed consumer held')
}

export const shutdown: readonly ConformanceCase[] = casesOf('shutdown', [
  { name: 'close during submit answers or rejects each', rule: 'close-pending', run: closeDuringSubmit },
  { name: 'close during settle answers or rejects each', rule: 'close-pending', run: closeDuringSettle },
  { name: 'a draining worker keeps its leases', rule: 'drain', run: drainingKeepsLeases },
  { name: 'drain stops receiving and loses nothing', rule: 'drain', run: drainStopsReceiving },
  { name: 'drain gives back what was not handed out', rule: 'drain', run: drainGivesBack },
  { name: 'workers that stop in good order run nothing twice', rule: 'drain', timeout: 60_000, run: drainUnderLoad },
  { name: 'released tasks run elsewhere at once', rule: 'released', run: releasedAtOnce },
  { name: 'what a closed consumer held runs out with its lease', rule: 'close-consumer', run: closeLetsLeasesRun },
  { name: 'a consumer may be closed often', rule: 'close-consumer', run: closeTwiceHeld },
])
