import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { Clock } from '../src/jetstream/clock.ts'
import { LogWalk } from '../src/jetstream/log-walk.ts'
import { canarySubject, entrySubject, namesOf, recordSubjects, taskSubject } from '../src/names.ts'
import type { NatsParts } from '../src/parts.ts'
import { CONSUMER, namedTask, newTask, openParts, runOne, startServer } from './steps.ts'

const names = namesOf('default')

test('the walk behind removals takes tombstones, and a look at all tasks what the server brings back without them', async (context) => {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  const consumer = await parts.openConsumer(CONSUMER)
  // A canary that was put out just now tells nothing.
  await sleep(6000)
  const tasks = [namedTask('named'), newTask(), namedTask('kept'), newTask()]
  const [gone, kept] = [tasks.slice(0, 2), tasks.slice(2)]
  await parts.queue.submit(tasks)
  for (let run = 0; run < tasks.length; run += 1) await runOne(consumer)
  for (const { id } of gone) expect(await parts.store.remove(id)).toBe('removed')
  const sweeping = sweep(parts)
  await sweeping.open()
  for (const { id } of gone) await expect.poll(() => subjectsOf(parts, id), { timeout: 10_000 }).toEqual([])
  sweeping.close()
  // Until the server has written down that the tombstones are gone.
  await sleep(5000)
  await parts.close()
  await server.kill()
  await server.start()
  const after = await openParts(server.url)
  await after.revivals.check()
  expect(await after.store.get(gone.map(({ id }) => id))).toEqual([undefined, undefined])
  expect(await after.store.counts()).toMatchObject({ QUEUED: 0, RUNNING: 0, DONE: 2 })
  for (const { id, args } of kept) expect(await after.store.args(id)).toBe(args)
  expect(await after.queue.submit([namedTask('named')])).toEqual([{ ok: true, value: 'created' }])
}, 60_000)

test('what a kill has brought back of the entry goes with the tombstone', async (context) => {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  const task = newTask()
  await parts.queue.submit([task])
  await runOne(await parts.openConsumer(CONSUMER))
  const { streams } = await jetstreamManager(parts.link.client)
  const entry = await streams.getMessage(names.tasks, { last_by_subj: entrySubject(names, 'q', task.id) })
  expect(await parts.store.remove(task.id)).toBe('removed')
  expect(await subjectsOf(parts, task.id)).toEqual([taskSubject(names, task.id)])
  await jetstream(parts.link.client).publish(entrySubject(names, 'q', task.id), entry?.data ?? '')
  const sweeping = sweep(parts)
  await sweeping.open()
  await expect.poll(() => subjectsOf(parts, task.id), { timeout: 10_000 }).toEqual([])
  sweeping.close()
}, 60_000)

test('the tombstone of a task that was cancelled while it ran goes too', async (context) => {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  const task = namedTask('stopped')
  await parts.queue.submit([task])
  const consumer = await parts.openConsumer(CONSUMER)
  const [held] = await consumer.receive(1, AbortSignal.timeout(20_000))
  expect(await parts.queue.cancel(task.id, { requeue: false })).toBe('requested')
  if (held) await consumer.settle([{ lease: held.lease, outcome: { type: 'cancelled' } }])
  expect(await parts.store.get([task.id])).toMatchObject([{ state: 'CANCELLED' }])
  expect(await parts.store.remove(task.id)).toBe('removed')
  const sweeping = sweep(parts)
  await sweeping.open()
  await expect.poll(() => subjectsOf(parts, task.id), { timeout: 10_000 }).toEqual([])
  sweeping.close()
}, 60_000)

test('where the canary is back all tasks are looked at, and those without their entry go', async (context) => {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  const tasks = [namedTask('named'), newTask(), namedTask('kept'), newTask()]
  const [gone, kept] = [tasks.slice(0, 2), tasks.slice(2)]
  await parts.queue.submit(tasks)
  const consumer = await parts.openConsumer(CONSUMER)
  for (let run = 0; run < tasks.length; run += 1) await runOne(consumer)
  await parts.queue.submit([namedTask('waiting')])
  const { streams } = await jetstreamManager(parts.link.client)
  const records = await Promise.all(
    gone.map(({ id }) => streams.getMessage(names.tasks, { last_by_subj: taskSubject(names, id) })),
  )
  for (const { id } of gone) expect(await parts.store.remove(id)).toBe('removed')
  // As the server does when it reads its files again.
  const js = jetstream(parts.link.client)
  for (const record of records) await js.publish(record?.subject ?? '', record?.data ?? '')
  await parts.revivals.check()
  expect(await parts.store.counts()).toMatchObject({ DONE: 4 })
  await js.publish(canarySubject(names), '')
  await sleep(6000)
  await parts.revivals.check()
  expect(await parts.store.counts()).toMatchObject({ DONE: 2, QUEUED: 1 })
  expect(await parts.store.get(gone.map(({ id }) => id))).toEqual([undefined, undefined])
  for (const { id, args } of kept) expect(await parts.store.args(id)).toBe(args)
  expect(await runOne(consumer)).toBe(namedTask('waiting').args)
}, 60_000)

/** The walk that takes tombstones, at once and not after ten minutes. */
function sweep({ link, upkeep }: NatsParts): LogWalk {
  const walk = { link, clock: new Clock(), stream: names.tasks }
  const walker = { durable: 'test', filter: recordSubjects(names) }
  return new LogWalk({ ...walk, walker: () => walker, age: -1000, look: (message) => upkeep.sweep(message) })
}

async function subjectsOf({ link }: NatsParts, id: string): Promise<string[]> {
  const { streams } = await jetstreamManager(link.client)
  const { state } = await streams.info(names.tasks, { subjects_filter: `${names.root}.*.*.${id}` })
  return Object.keys(state.subjects ?? {})
}
