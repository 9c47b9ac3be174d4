import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskConsumer } from '@ds/core'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { durableOf, entrySubject, namesOf, taskSubject } from '../src/names.ts'
import { administrator, CONSUMER, namedTask, newTask, open, runOne, startProxied, startServer } from './steps.ts'

async function receiveAll(consumer: TaskConsumer, count: number): Promise<Set<string>> {
  const ids = new Set<string>()
  while (ids.size < count) {
    const deliveries = await consumer.receive(count - ids.size, AbortSignal.timeout(20_000))
    if (deliveries.length === 0) break
    for (const { task } of deliveries) ids.add(task.id)
  }
  return ids
}

test('an entry that comes late is not believed: its task was run and removed meanwhile', async (context) => {
  const { server, proxy, url } = await startProxied(context)
  const [slow, other] = [await open(url), await open(server.url)]
  const waiting = await slow.openConsumer(CONSUMER)
  const stop = new AbortController()
  const received = waiting.receive(1, stop.signal)
  await sleep(300)
  proxy.freeze()
  const task = newTask()
  await other.submit([task])
  // The server gives it to this one when the other has said nothing for five seconds.
  await runOne(await other.openConsumer(CONSUMER))
  expect(await other.remove(task.id)).toBe('removed')
  await proxy.heal()
  await sleep(1000)
  stop.abort()
  expect(await received).toEqual([])
  expect(await other.get([task.id])).toEqual([undefined])
}, 60_000)

test('as many tasks as one likes are taken in one call, the first of their queue too', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const answers = await broker.submit(Array.from({ length: 20_000 }, newTask))
  expect(answers.filter((answer) => !answer.ok || answer.value !== 'created')).toEqual([])
}, 60_000)

test('args are there in every state, and for every run', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const task = newTask()
  await broker.submit([task])
  expect(await broker.args(task.id)).toBe(task.args)
  const consumer = await broker.openConsumer(CONSUMER)
  expect(await runOne(consumer)).toBe(task.args)
  expect(await broker.args(task.id)).toBe(task.args)
  for (const nonce of ['again', 'and again']) {
    expect(await broker.retry(task.id, { nonce })).toBe('queued')
    expect(await broker.retry(task.id, { nonce })).toBe('queued')
    expect(await broker.args(task.id)).toBe(task.args)
    expect(await runOne(consumer)).toBe(task.args)
  }
  const waiting = { ...newTask(), maxRetries: 1 }
  await broker.submit([waiting])
  const [delivery] = await consumer.receive(1, AbortSignal.timeout(20_000))
  const error = { name: 'Error', message: 'again', stacktrace: [] }
  if (delivery) await consumer.settle([{ lease: delivery.lease, outcome: { type: 'retry', error, delay: 60_000 } }])
  expect(await broker.cancel(waiting.id, { requeue: false })).toBe('cancelled')
  expect(await broker.args(waiting.id)).toBe(task.args)
  expect(await broker.retry(waiting.id, { nonce: 'anew' })).toBe('queued')
  expect(await runOne(consumer)).toBe(task.args)
  const cancelled = newTask()
  await broker.submit([cancelled])
  expect(await broker.cancel(cancelled.id, { requeue: false })).toBe('cancelled')
  expect(await broker.args(cancelled.id)).toBe(task.args)
  expect(await broker.retry(cancelled.id, { nonce: 'third' })).toBe('queued')
  expect(await runOne(consumer)).toBe(task.args)
}, 60_000)

test('a submission that is sent again changes nothing, whatever has happened meanwhile', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const created = [{ ok: true, value: 'created' }]
  const cancelled = newTask()
  await broker.submit([cancelled])
  await broker.cancel(cancelled.id, { requeue: false })
  expect(await broker.submit([cancelled])).toEqual(created)
  // By the time it comes again it would be due.
  const soon = { ...newTask(), runAt: Date.now() + 400 }
  await broker.submit([soon])
  await sleep(600)
  expect(await broker.submit([soon])).toEqual(created)
  const consumer = await broker.openConsumer(CONSUMER)
  expect(await runOne(consumer)).toBe(soon.args)
  expect(await consumer.receive(1, AbortSignal.timeout(500))).toEqual([])
  for (const reader of [broker, await open(server.url)]) {
    expect(await reader.counts()).toMatchObject({ QUEUED: 0, RUNNING: 0, DONE: 1, CANCELLED: 1 })
  }
}, 60_000)

test('of two who submit one id neither takes the entry of the other away', async (context) => {
  const server = await startServer(context)
  const [one, other, worker] = [await open(server.url), await open(server.url), await open(server.url)]
  const consumer = await worker.openConsumer(CONSUMER)
  const receiving = receiveAll(consumer, 400)
  for (let round = 0; round < 20; round += 1) {
    const named = Array.from({ length: 20 }, (_, index) => namedTask(`r${round}-${index}`))
    await Promise.all([one.submit(named), other.submit(named.map((task) => ({ ...task, incarnation: 'other' })))])
  }
  const held = await receiving
  expect(held.size).toBe(400)
  // The entry that a task was claimed by is the one that comes again when its worker dies.
  const names = namesOf('default')
  const { streams } = await jetstreamManager(await administrator(server))
  for (const id of held) {
    const record = await streams.getMessage(names.tasks, { last_by_subj: taskSubject(names, id) })
    const entry = await streams.getMessage(names.tasks, { last_by_subj: entrySubject(names, 'q', id) })
    expect(record?.json<{ entry: number }>().entry).toBe(entry?.seq)
  }
}, 90_000)

test('a consumer that was changed gets its settings back, and one that reads something else is refused', async (context) => {
  const server = await startServer(context)
  const { consumers } = await jetstreamManager(await administrator(server))
  const { tasks, root } = namesOf('default')
  const durable = durableOf('q')
  await (await open(server.url)).openConsumer(CONSUMER)
  const { config } = await consumers.info(tasks, durable)
  await consumers.update(tasks, durable, { ack_wait: 60e9, max_ack_pending: 1 })
  await (await open(server.url)).openConsumer(CONSUMER)
  expect((await consumers.info(tasks, durable)).config).toEqual(config)
  await consumers.delete(tasks, durable)
  const other = { durable_name: durable, filter_subject: `${root}.task.other.*`, ack_policy: 'explicit' } as const
  await consumers.add(tasks, other)
  await expect((await open(server.url)).openConsumer(CONSUMER)).rejects.toMatchObject({
    code: 'BrokerMisconfigured',
    message: expect.stringContaining('filter_subject is ds.default.task.other.*') as string,
  })
}, 60_000)
