import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { blobSubject, entrySubject, namesOf, taskSubject } from '../src/names.ts'
import { administrator, CONSUMER, namedTask, newTask, open, runOne, startProxied, startServer } from './steps.ts'

const names = namesOf('default')

test('what was removed stays removed when the server is killed', async (context) => {
  const server = await startServer(context)
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
  const { server, proxy, url } = await startProxied(context)
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
  const { server, proxy, url } = await startProxied(context)
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
  const { server, proxy, url } = await startProxied(context)
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
  const server = await startServer(context)
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const task = { ...namedTask('delayed'), delay: 1000 }
  await broker.submit([task])
  expect(await broker.cancel(task.id, { requeue: false })).toBe('cancelled')
  expect(await broker.remove(task.id)).toBe('removed')
  expect(await broker.submit([task])).toEqual([{ ok: true, value: 'created' }])
  expect(await runOne(consumer)).toBe(task.args)
}, 60_000)

test('a removal that is under way leaves the same submit, sent once more, its args', async (context) => {
  const { server, proxy, url } = await startProxied(context)
  const [slow, other] = [await open(url), await open(server.url)]
  const consumer = await other.openConsumer(CONSUMER)
  const task = { ...namedTask('large'), args: JSON.stringify('a'.repeat(20_000)) }
  await other.submit([task])
  await runOne(consumer)
  proxy.latency(100)
  const removing = slow.remove(task.id)
  // Its tombstone stands, and its payloads are still there.
  await expect.poll(() => other.get([task.id]), { interval: 5, timeout: 10_000 }).toEqual([undefined])
  expect(await other.submit([task])).toEqual([{ ok: true, value: 'created' }])
  expect(await removing).toBe('removed')
  expect(await runOne(consumer)).toBe(task.args)
  expect(await other.args(task.id)).toBe(task.args)
}, 60_000)

test('garbage in the place of a first entry takes the args, and breaks nothing', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const task = newTask()
  await broker.submit([task])
  await runOne(await broker.openConsumer(CONSUMER))
  await jetstream(await administrator(server)).publish(entrySubject(names, 'q', task.id), 'garbage')
  expect(await broker.args(task.id)).toBeUndefined()
  expect(await broker.retry(task.id, { nonce: 'again' })).toBe('unknown')
  expect(await broker.result(task.id)).toBe('1')
}, 60_000)

test('payloads that no record named go with their task where it was run more than once', async (context) => {
  const server = await startServer(context)
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
  const { state } = await streams.info(names.tasks, { subjects_filter: `${names.root}.blob.${task.id}.>` })
  expect(state.subjects ?? {}).toEqual({})
}, 60_000)

test('a task whose record is of a later version is parked, and has its args when it is put back', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const client = await administrator(server)
  const { streams } = await jetstreamManager(client)
  const task = newTask()
  await broker.submit([task])
  await runOne(consumer)
  const rewrite = async (from: string, to: string): Promise<void> => {
    const record = await streams.getMessage(names.tasks, { last_by_subj: taskSubject(names, task.id) })
    await jetstream(client).publish(taskSubject(names, task.id), record?.string().replaceAll(from, to) ?? '')
  }
  await rewrite('"schema":1', '"schema":2')
  expect(await broker.get([task.id])).toEqual([undefined])
  const entry = await streams.getMessage(names.tasks, { last_by_subj: entrySubject(names, 'q', task.id) })
  // Given out once more, as after a kill of the server: there is no task to it now.
  await jetstream(client).publish(entrySubject(names, 'q', task.id), entry?.data ?? '')
  expect(await consumer.receive(1, AbortSignal.timeout(500))).toEqual([])
  const [{ id } = { id: '' }] = (await broker.parked.list({ limit: 10 })).items
  expect(await broker.parked.replay(id)).toBe(true)
  await rewrite('"schema":2', '"schema":1')
  expect(await broker.get([task.id])).toMatchObject([{ state: 'DONE' }])
  expect(await broker.args(task.id)).toBe(task.args)
  expect(await broker.retry(task.id, { nonce: 'again' })).toBe('queued')
  expect(await runOne(consumer)).toBe(task.args)
}, 60_000)

test('what was parked is not put back over a task that has taken its place', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const client = await administrator(server)
  await jetstream(client).publish(taskSubject(names, 'x'), 'garbage')
  expect(await broker.get(['x'])).toEqual([undefined])
  const { items } = await broker.parked.list({ limit: 10 })
  const [{ id } = { id: '' }] = items
  expect(await broker.submit([namedTask('x')])).toEqual([{ ok: true, value: 'created' }])
  expect(await broker.parked.replay(id)).toBe(false)
  expect((await broker.parked.list({ limit: 10 })).items).toHaveLength(1)
  expect(await runOne(await broker.openConsumer(CONSUMER))).toBe(namedTask('x').args)
}, 60_000)

test('the same submit, sent again after a removal that was cut off, runs', async (context) => {
  const { server, proxy, url } = await startProxied(context)
  const [slow, other] = [await open(url), await open(server.url)]
  const consumer = await other.openConsumer(CONSUMER)
  const task = namedTask('again')
  await other.submit([task])
  await runOne(consumer)
  proxy.latency(100)
  // It reads the record and the entry, writes the tombstone, and has not deleted the entry.
  const removing = slow.remove(task.id)
  await expect.poll(() => other.get([task.id]), { interval: 5, timeout: 5000 }).toEqual([undefined])
  expect(await other.submit([task])).toEqual([{ ok: true, value: 'created' }])
  expect(await runOne(consumer)).toBe(task.args)
  expect(await removing).toBe('removed')
}, 60_000)
