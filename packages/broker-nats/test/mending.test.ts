import { jetstream } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import type { TestContext } from 'vitest'
import { Clock } from '../src/jetstream/clock.ts'
import { isAtLeast } from '../src/jetstream/versions.ts'
import { Mending } from '../src/mending.ts'
import { entrySubject, namesOf, restartSubject, taskSubject } from '../src/names.ts'
import type { NatsParts } from '../src/parts.ts'
import { CONSUMER, namedTask, newTask, openParts, runOne, startServer } from './steps.ts'

const names = namesOf('default')
const AGAIN = { type: 'retry', delay: 0, error: { name: 'E', message: 'once more', stacktrace: [] } } as const

test.for(['QUEUED', 'RUNNING'])(
  'a task whose end a kill has taken back runs again when it is %s',
  { timeout: 60_000 },
  async (state, context) => {
    const [parts, consumer] = await openWithConsumer(context)
    const task = { ...newTask(), maxRetries: 1 }
    await parts.queue.submit([task])
    const before = new Map<string, string>()
    const note = async (): Promise<void> => {
      const { state, text } = await recordOf(parts, task.id)
      before.set(state, text)
    }
    const [first] = await consumer.receive(1, AbortSignal.timeout(20_000))
    if (first) await consumer.settle([{ lease: first.lease, outcome: AGAIN }])
    await note()
    const [second] = await consumer.receive(1, AbortSignal.timeout(20_000))
    await note()
    if (second) await consumer.settle([{ lease: second.lease, outcome: { type: 'done', result: '1' } }])
    expect(await parts.store.get([task.id])).toMatchObject([{ state: 'DONE' }])
    await jetstream(parts.link.client).publish(taskSubject(names, task.id), before.get(state) ?? '')
    expect(await parts.store.get([task.id])).toMatchObject([{ state }])
    expect(await look(parts, task.id)).toBeGreaterThan(50_000)
    expect(await look(parts, task.id, 70_000)).toBeUndefined()
    expect(await runOne(consumer)).toBe(task.args)
    expect(await parts.store.get([task.id])).toMatchObject([{ state: 'DONE' }])
  },
)

test('a task that waits for its first turn, or for a worker, keeps its place', async (context) => {
  const [parts, consumer] = await openWithConsumer(context)
  const tasks = [namedTask('done'), namedTask('waiting'), { ...namedTask('failed'), maxRetries: 1 }]
  await parts.queue.submit(tasks)
  await runOne(consumer)
  await parts.queue.retry('done', { nonce: 'again' })
  const places = await placesOf(parts, ['done', 'waiting'])
  for (const id of ['done', 'waiting']) expect(await look(parts, id, 61_000)).toBeUndefined()
  expect(await placesOf(parts, ['done', 'waiting'])).toEqual(places)
  const held = await consumer.receive(2, AbortSignal.timeout(20_000))
  const failed = held.find(({ task }) => task.id === 'failed')
  if (failed) await consumer.settle([{ lease: failed.lease, outcome: { ...AGAIN, delay: 600_000 } }])
  // Held by the server for ten minutes, and the other one by its worker.
  expect(await look(parts, 'failed', 61_000)).toBeGreaterThan(500_000)
  expect(await look(parts, 'waiting', 61_000)).toBeGreaterThan(0)
}, 60_000)

test('all records are looked at anew behind a start of a server that may give older ones back', async (context) => {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  await parts.openConsumer(CONSUMER)
  const known = async (): Promise<string | undefined> => {
    const message = await parts.reader.last(restartSubject(names), 'reading')
    return message && Buffer.from(message.bytes).toString()
  }
  const id = (): string | undefined => parts.link.client.info?.server_id
  const isSafe = isAtLeast(parts.link.client.info?.version ?? '', [2, 10, 0])
  await expect.poll(known, { timeout: 10_000 }).toBe(isSafe ? undefined : id())
  const first = id()
  await server.kill()
  await server.start()
  await expect.poll(id, { timeout: 20_000 }).not.toBe(first)
  await expect.poll(known, { timeout: 10_000 }).toBe(isSafe ? undefined : id())
}, 60_000)

async function openWithConsumer(
  context: TestContext,
): Promise<[NatsParts, Awaited<ReturnType<NatsParts['openConsumer']>>]> {
  const server = await startServer(context)
  const parts = await openParts(server.url)
  return [parts, await parts.openConsumer({ ...CONSUMER, lease: 5000 })]
}

/** What mending says of a task's record, by a clock that is ahead. */
async function look(parts: NatsParts, id: string, ahead = 0): Promise<number | undefined> {
  const { link, records, entries, reader } = parts
  const clock = new Clock()
  clock.set(Date.now() + ahead, performance.now(), performance.now())
  const { sequence, text } = await recordOf(parts, id)
  const message = { queue: '', reply: '', freshUntil: 0, count: 1, order: 1, pending: 0, storedAt: 0 }
  const bytes = Buffer.from(text)
  const mending = new Mending({ link, names, reader, records, entries, clock })
  return mending.look({ ...message, subject: taskSubject(names, id), bytes, sequence })
}

async function recordOf({ reader }: NatsParts, id: string): Promise<{ text: string; sequence: number; state: string }> {
  const message = await reader.newest(taskSubject(names, id), 'reading')
  const text = Buffer.from(message?.bytes ?? '').toString()
  const { task } = JSON.parse(text) as { task: { state: string } }
  return { text, sequence: message?.sequence ?? 0, state: task.state }
}

function placesOf({ reader }: NatsParts, ids: readonly string[]): Promise<(number | undefined)[]> {
  const places = ids.map((id) => reader.newest(entrySubject(names, 'q', id), 'reading'))
  return Promise.all(places.map(async (place) => (await place)?.sequence))
}
