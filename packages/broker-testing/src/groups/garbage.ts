import type { Broker, ParkedItem } from '@ds/core'
import type { GarbagePlace, GarbageTools } from '../broker-under-test.ts'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { again, DONE, openConsumer, receiveMany, receiveNothing, receiveOne, settle, settleWell } from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, submitAll, submitAnswer, submitOne } from '../submitting.ts'
import { watch } from '../watching.ts'

const GARBAGE: readonly Uint8Array[] = [
  Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3]),
  Buffer.from('{"half": '),
  Buffer.from('null'),
  Buffer.from('"a string and no task"'),
  Buffer.from('x'.repeat(20_000)),
]

function placeOf(context: CaseContext, broker: Broker): GarbagePlace {
  return { namespace: context.namespace, queue: context.queue, broker: context.rawOf(broker) }
}

/** A tool that not every target has. */
function tool<Name extends keyof GarbageTools>(context: CaseContext, name: Name): NonNullable<GarbageTools[Name]> {
  return context.target.garbage?.[name] ?? context.skip(`the target has no tool for this garbage (garbage.${name})`)
}

async function allParked(broker: Broker, limit = 100): Promise<ParkedItem[]> {
  const items: ParkedItem[] = []
  let cursor: string | undefined
  for (let page = 0; page < 1000; page++) {
    const found = await broker.parked.list(cursor === undefined ? { limit } : { limit, cursor })
    check(found.items.length <= limit, `a page of at most ${limit} holds ${found.items.length} parked items`)
    items.push(...found.items)
    if (found.cursor === undefined) return items
    cursor = found.cursor
  }
  check(false, 'the list of parked items does not end')
}

function untilParked(context: CaseContext, broker: Broker, count: number): Promise<ParkedItem[]> {
  return context.until(`${count} parked items`, async () => {
    const items = await allParked(broker)
    check(items.length <= count, `${items.length} items were parked of ${count}`)
    return items.length === count && items
  })
}

async function bytesAreParked(context: CaseContext): Promise<void> {
  const undecodable = tool(context, 'undecodable')
  const broker = await context.open()
  const consumer = await openConsumer(context, broker, { lease: 1000 })
  const started = Date.now()
  const tasks = newTasks(context, 6)
  for (const [index, bytes] of GARBAGE.entries()) {
    await submitAll(broker, tasks.slice(index, index + 1))
    await undecodable(placeOf(context, broker), bytes)
  }
  await submitAll(broker, tasks.slice(5))
  const received = await receiveMany(context, consumer, 6)
  sameMembers(idsOf(received.map(({ task }) => task)), idsOf(tasks), 'the tasks received between garbage')
  for (const delivery of received) await settle(consumer, delivery, DONE)
  // A waiting receive: what stands last in the queue is found by whoever asks for more.
  const waiting = consumer.receive(1, context.signal)
  const items = await untilParked(context, broker, GARBAGE.length)
  for (const { source, reason, parkedAt } of items) {
    check(source.length > 0 && reason.length > 0, 'a parked item does not say where it was found and why')
    between(parkedAt, [started - 60_000, Date.now() + 60_000], 'parkedAt')
  }
  const bytes = await Promise.all(items.map(({ id }) => broker.parked.read(id)))
  const text = (each: Uint8Array | undefined): string => Buffer.from(each ?? []).toString('hex')
  sameMembers(bytes.map(text), GARBAGE.map(text), 'the parked bytes')
  equal(
    items.map(({ size }) => size),
    bytes.map((each) => each?.byteLength),
    'the sizes of parked items',
  )
  // Longer than a lease: what is not off the queue would come back.
  await context.watchFor(1500)
  equal(
    (await allParked(broker)).map(({ id }) => id),
    items.map(({ id }) => id),
    'the parked items, a lease later',
  )
  await submitOne(context, broker)
  equal((await context.soon('a task behind garbage', waiting)).length, 1, 'what was received behind garbage')
}

async function muchGarbage(context: CaseContext): Promise<void> {
  const undecodable = tool(context, 'undecodable')
  const broker = await context.open()
  const tasks = newTasks(context, 200)
  for (let index = 0; index < 200; index += 20) {
    for (let each = 0; each < 20; each++)
      await undecodable(placeOf(context, broker), Buffer.from(`garbage ${index + each}`))
    await submitAll(broker, tasks.slice(index, index + 20))
  }
  const consumers = [await openConsumer(context, broker), await openConsumer(context, await context.another(broker))]
  const halves = await Promise.all(consumers.map((consumer) => receiveMany(context, consumer, 100)))
  sameMembers(
    idsOf(halves.flat().map(({ task }) => task)),
    idsOf(tasks),
    'the tasks received between 200 pieces of garbage',
  )
  await untilParked(context, broker, 200)
  equal((await allParked(broker, 7)).length, 200, 'the items parked, in pages of seven')
  check((await broker.health()).ok, 'the broker is unhealthy beside garbage')
}

async function parkedStore(context: CaseContext): Promise<void> {
  const undecodable = tool(context, 'undecodable')
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await undecodable(placeOf(context, broker), Buffer.from('one'))
  await undecodable(placeOf(context, broker), Buffer.from('two'))
  const receiving = new AbortController()
  const waiting = consumer.receive(1, receiving.signal)
  const [first, second] = (await untilParked(context, broker, 2)) as [ParkedItem, ParkedItem]
  equal(await broker.parked.remove(first.id), true, 'the removal of a parked item')
  equal(await broker.parked.remove(first.id), false, 'the removal of a removed one')
  equal(await broker.parked.read(first.id), undefined, 'the bytes of a removed one')
  equal(await broker.parked.replay(first.id), false, 'the replay of a removed one')
  const bytes = Buffer.from((await broker.parked.read(second.id)) ?? []).toString()
  equal(await broker.parked.replay(second.id), true, 'the replay of a parked item')
  const again = await context.until('what was replayed to be parked again', async () => {
    const items = await allParked(broker)
    return (
      items.length === 1 &&
      Buffer.from((await broker.parked.read(items[0]?.id ?? '')) ?? []).toString() === bytes &&
      items
    )
  })
  equal(again.length, 1, 'the items parked after a replay')
  receiving.abort()
  equal(await waiting, [], 'what a worker received of garbage')
}

async function emptyParkedStore(context: CaseContext): Promise<void> {
  const broker = await context.open()
  equal(await broker.parked.list({ limit: 10 }), { items: [] }, 'the list of parked items where there is none')
  equal(await broker.parked.read('unknown'), undefined, 'the bytes of an unknown item')
  equal(await broker.parked.remove('unknown'), false, 'the removal of an unknown item')
  equal(await broker.parked.replay('unknown'), false, 'the replay of an unknown item')
}

async function goneFromTheStore(context: CaseContext, name: 'fromTheFuture' | 'corruptRecord'): Promise<void> {
  const spoil = tool(context, name)
  const broker = await context.open()
  const watched = await watch(context, broker)
  const tasks = newTasks(context, 3)
  await submitAll(broker, tasks)
  const [before, spoilt, after] = tasks as [(typeof tasks)[0], (typeof tasks)[0], (typeof tasks)[0]]
  await spoil(placeOf(context, broker), spoilt.id)
  const consumer = await openConsumer(context, broker)
  const received = await receiveMany(context, consumer, 2)
  sameMembers(idsOf(received.map(({ task }) => task)), [before.id, after.id], 'the tasks received beside a spoilt one')
  for (const delivery of received) await settleWell({ context, broker, consumer }, delivery, DONE)
  await receiveNothing(context, consumer, 300)
  const reader = await context.another(broker)
  await context.until('the spoilt task to be gone', async () => (await reader.get([spoilt.id]))[0] === undefined)
  const items = await context.until('the spoilt record to be parked', async () => {
    const found = await allParked(reader)
    return found.length > 0 && found
  })
  check(await reader.parked.read(items[0]?.id ?? ''), 'the bytes of a parked record cannot be read')
  equal((await reader.list({ limit: 10 })).tasks.length, 2, 'the tasks listed beside a spoilt one')
  equal((await reader.counts()).DONE, 2, 'the tasks counted as DONE')
  equal(
    await submitAnswer(broker, newTask(context, { id: spoilt.id })),
    'created',
    'the id of the spoilt task, submitted anew',
  )
  equal((await receiveOne(context, consumer)).task.id, spoilt.id, 'the task received in its new life')
  check(watched.events.length > 0, 'the subscription got nothing')
}

async function unknownFields(context: CaseContext): Promise<void> {
  const addField = tool(context, 'unknownField')
  const broker = await context.open()
  const { id } = await submitOne(context, broker, { args: '"kept"' })
  await addField(placeOf(context, broker), id)
  const reader = await context.another(broker)
  equal((await getTask(reader, id)).state, 'QUEUED', 'the state of a task with a field that nobody knows')
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  equal([delivery.task.id, delivery.args], [id, '"kept"'], 'the task received with a field that nobody knows')
  equal((await settleWell({ context, broker, consumer }, delivery, DONE)).state, 'DONE', 'its state at last')
  equal(await broker.parked.list({ limit: 10 }), { items: [] }, 'what was parked')
}

async function unknownNames(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const stranger = await submitOne(context, broker, { name: 'nobody.knows.this', maxRetries: 0 })
  const delivery = await receiveOne(context, consumer)
  equal(delivery.task.name, 'nobody.knows.this', 'the name of the task received')
  const limit = { ...again(200), maxRetries: 3 }
  equal((await settleWell({ context, broker, consumer }, delivery, limit)).state, 'QUEUED', 'its state after a retry')
  const next = await submitOne(context, broker)
  equal((await receiveOne(context, consumer)).task.id, next.id, 'the task behind one of an unknown name')
  equal((await receiveOne(context, consumer)).task.id, stranger.id, 'the task of the unknown name, again')
}

export const garbage: readonly ConformanceCase[] = casesOf('garbage', [
  {
    name: 'bytes that are no task are parked, and the loop goes on',
    rule: 'parked',
    needs: ['garbage'],
    run: bytesAreParked,
  },
  { name: 'much garbage stops nobody', rule: 'parked', needs: ['garbage'], timeout: 60_000, run: muchGarbage },
  { name: 'what is parked can be read, replayed and removed', rule: 'parked', needs: ['garbage'], run: parkedStore },
  { name: 'where nothing is parked nothing is found', rule: 'parked', run: emptyParkedStore },
  {
    name: 'a record from the future is parked',
    rule: 'future',
    needs: ['garbage'],
    run: (context) => goneFromTheStore(context, 'fromTheFuture'),
  },
  {
    name: 'a record that cannot be decoded is parked',
    rule: 'parked',
    needs: ['garbage'],
    run: (context) => goneFromTheStore(context, 'corruptRecord'),
  },
  { name: 'a field that nobody knows is ignored', rule: 'unknown-field', needs: ['garbage'], run: unknownFields },
  { name: 'tasks of unknown names are carried', rule: 'unknown-name', run: unknownNames },
])
