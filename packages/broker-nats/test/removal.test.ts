import { setTimeout as sleep } from 'node:timers/promises'
import { startBehindProxy, startNats, whyNoServer } from '@ds/broker-testing'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { Clock } from '../src/jetstream/clock.ts'
import { LogWalk } from '../src/jetstream/log-walk.ts'
import { blobSubject, entrySubject, namesOf, recordSubjects, taskSubject } from '../src/names.ts'
import { NatsParts } from '../src/parts.ts'
import { checkOptions } from '../src/options.ts'
import { administrator, CONSUMER, ending, namedTask, newTask, open, runOne } from './steps.ts'

const reason = await whyNoServer('nats', {})
const names = namesOf('default')

test('what was removed stays removed when the server is killed', async (context) => {
  context.skip(reason !== undefined, reason)
  const server = await startNats({ ownProcess: true })
  ending.push(() => server.close())
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const tasks = [namedTask('done'), newTask(), namedTask('cancelled'), newTask()]
  const ids = tasks.map(({ id }) => id)
  await broker.submit(tasks.slice(0, 2))
  for (let run = 0; run < 2; run += 1) await runOne(consumer)
  await broker.submit(tasks.slice(2))
  for (const id of ids.slice(2)) expect(await broker.cancel(id, { requeue: false })).toBe('cancelled')
  for (const id of ids) expect(await broker.remove(id)).toBe('removed')
  await broker.close()
  await server.kill()
  await server.start()
  const other = await open(server.url)
  expect(await other.get(ids)).toEqual(ids.map(() => undefined))
  expect(await other.counts()).toMatchObject({ QUEUED: 0, RUNNING: 0, DONE: 0, CANCELLED: 0 })
  expect(await (await other.openConsumer(CONSUMER)).receive(4, AbortSignal.timeout(3000))).toEqual([])
  expect(await other.submit([namedTask('done')])).toEqual([{ ok: true, value: 'created' }])
}, 60_000)

test('a removal that is overtaken by a retry leaves it its entry', async (context) => {
  context.skip(reason !== undefined, reason)
  const { server, proxy, url, close } = await startBehindProxy('nats', {})
  ending.push(close)
  const [slow, other] = [await open(url), await open(server.url)]
  const consumer = await other.openConsumer(CONSUMER)
  const task = newTask()
  await other.submit([task])
  await runOne(consumer)
  proxy.latency(100)
  const removing = slow.remove(task.id)
  // It has read the record by then, and not yet the entry.
  await sleep(200)
  expect(await other.retry(task.id, { nonce: 'again' })).toBe('queued')
  const [held] = await consumer.receive(1, AbortSignal.timeout(20_000))
  expect(await removing).toBe('active')
  expect(held).toMatchObject({ task: { id: task.id, attempt: 2 }, args: task.args })
  // The entry by which it comes again if its worker dies.
  const { streams } = await jetstreamManager(await administrator(server))
  const names = namesOf('default')
  const entry = await streams.getMessage(names.tasks, { last_by_subj: entrySubject(names, 'q', task.id) })
  expect(entry?.json()).toMatchObject({ ticket: 'again' })
}, 60_000)

test('a claim that is under way while its task is cancelled and removed is lost', async (context) => {
  context.skip(reason !== undefined, reason)
  const { server, proxy, url, close } = await startBehindProxy('nats', {})
  ending.push(close)
  const [slow, other] = [await open(url), await open(server.url)]
  const waiting = await slow.openConsumer(CONSUMER)
  await other.counts()
  proxy.latency(300)
  const received = waiting.receive(1, AbortSignal.timeout(4000))
  // Until its pull waits at the server.
  await sleep(1500)
  const task = newTask()
  await other.submit([task])
  // The entry has arrived, and the claim has not.
  await sleep(400)
  expect(await other.cancel(task.id, { requeue: false })).toBe('cancelled')
  expect(await other.remove(task.id)).toBe('removed')
  expect(await received).toEqual([])
  expect(await other.get([task.id])).toEqual([undefined])
  expect(await other.counts()).toMatchObject({ QUEUED: 0, RUNNING: 0, CANCELLED: 0 })
}, 60_000)

test('who has read a new task brings it back neither by a submit nor by a cancel when it was run and removed meanwhile', async (context) => {
  context.skip(reason !== undefined, reason)
  const { server, proxy, url, close } = await startBehindProxy('nats', {})
  ending.push(close)
  const [slow, other] = [await open(url), await open(server.url)]
  const consumer = await other.openConsumer(CONSUMER)
  const tasks = [newTask(), newTask()] as const
  await other.submit(tasks)
  // It knows the queue then.
  await slow.get([tasks[0].id])
  proxy.latency(150)
  const submitting = slow.submit([{ ...namedTask(tasks[0].id), incarnation: 'another' }])
  const cancelling = slow.cancel(tasks[1].id, { requeue: false })
  // Both have read the first entry, and do not know it yet.
  await sleep(500)
  for (const { id } of tasks) {
    await runOne(consumer)
    await expect.poll(() => other.remove(id)).toBe('removed')
  }
  expect(await submitting).toEqual([{ ok: true, value: 'exists' }])
  expect(await cancelling).toBe('unknown')
  expect(await other.get(tasks.map(({ id }) => id))).toEqual([undefined, undefined])
  expect(await consumer.receive(1, AbortSignal.timeout(1000))).toEqual([])
}, 60_000)

test('a delayed task that was removed and is submitted once more runs', async (context) => {
  context.skip(reason !== undefined, reason)
  const server = await startNats({})
  ending.push(() => server.close())
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const task = { ...namedTask('delayed'), delay: 1000 }
  await broker.submit([task])
  expect(await broker.cancel(task.id, { requeue: false })).toBe('cancelled')
  expect(await broker.remove(task.id)).toBe('removed')
  expect(await broker.submit([task])).toEqual([{ ok: true, value: 'created' }])
  expect(await runOne(consumer)).toBe(task.args)
}, 60_000)

test('garbage in the place of a first entry takes the args, and breaks nothing', async (context) => {
  context.skip(reason !== undefined, reason)
  const server = await startNats({ ownProcess: true })
  ending.push(() => server.close())
  const broker = await open(server.url)
  const task = newTask()
  await broker.submit([task])
  await runOne(await broker.openConsumer(CONSUMER))
  await jetstream(await administrator(server)).publish(entrySubject(names, 'q', task.id), 'garbage')
  expect(await broker.args(task.id)).toBeUndefined()
  expect(await broker.retry(task.id, { nonce: 'again' })).toBe('unknown')
  expect(await broker.result(task.id)).toBe('1')
}, 60_000)

test('the walk behind removals takes tombstones, and what a kill has brought back', async (context) => {
  context.skip(reason !== undefined, reason)
  const server = await startNats({ ownProcess: true })
  ending.push(() => server.close())
  const parts = new NatsParts(checkOptions({ url: server.url }))
  await parts.open({ timeout: 15_000 })
  ending.push(() => parts.close())
  const [gone, kept] = [newTask(), newTask()] as const
  await parts.queue.submit([gone, kept])
  const consumer = await parts.openConsumer(CONSUMER)
  for (let run = 0; run < 2; run += 1) await runOne(consumer)
  const { streams } = await jetstreamManager(parts.link.client)
  const entry = await streams.getMessage(names.tasks, { last_by_subj: entrySubject(names, 'q', gone.id) })
  expect(await parts.store.remove(gone.id)).toBe('removed')
  const left = async (): Promise<string[]> => {
    const { state } = await streams.info(names.tasks, { subjects_filter: `${names.root}.*.*.${gone.id}` })
    return Object.keys(state.subjects ?? {})
  }
  expect(await left()).toEqual([taskSubject(names, gone.id)])
  await jetstream(parts.link.client).publish(entrySubject(names, 'q', gone.id), entry?.data ?? '')
  const clock = new Clock()
  const walk = new LogWalk({
    ...{ link: parts.link, clock, stream: names.tasks, filter: recordSubjects(names), durable: 'test', age: -1000 },
    look: (message) => parts.upkeep.sweep(message),
  })
  await walk.open()
  await expect.poll(left, { timeout: 10_000 }).toEqual([])
  walk.close()
  expect(await parts.store.get([gone.id, kept.id])).toMatchObject([undefined, { state: 'DONE' }])
  expect(await parts.store.args(kept.id)).toBe(kept.args)
}, 60_000)

test('payloads that no record named go with their task where it was run more than once', async (context) => {
  context.skip(reason !== undefined, reason)
  const server = await startNats({ ownProcess: true })
  ending.push(() => server.close())
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const task = namedTask('tried')
  await broker.submit([{ ...task, maxRetries: 1 }])
  const [delivery] = await consumer.receive(1, AbortSignal.timeout(20_000))
  if (!delivery) throw new Error('no task was received')
  // As a worker leaves it that dies before it can name it.
  const client = await administrator(server)
  await jetstream(client).publish(blobSubject(names, { ...task, part: 'result-of-a-dead-worker' }), 'x'.repeat(10_000))
  const error = { name: 'E', message: 'once more', stacktrace: [] }
  await consumer.settle([{ lease: delivery.lease, outcome: { type: 'retry', delay: 0, error } }])
  await runOne(consumer)
  expect(await broker.remove(task.id)).toBe('removed')
  const { streams } = await jetstreamManager(client)
  const { state } = await streams.info(names.tasks, { subjects_filter: `${names.root}.blob.>` })
  expect(state.subjects ?? {}).toEqual({})
}, 60_000)
