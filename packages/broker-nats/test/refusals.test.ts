import type { NewTask } from '@ds/core'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { createNatsBroker } from '../src/index.ts'
import type { NatsBroker } from '../src/index.ts'
import { namesOf } from '../src/names.ts'
import { administrator, CONSUMER, ending, open, runOne, startServer } from './steps.ts'

const TASK: NewTask = {
  id: 'a',
  incarnation: 'life',
  name: 'n',
  group: 'g',
  queue: 'q',
  args: '{}',
  maxRetries: 0,
  maxCrashes: 3,
}

describe('what a server cannot give is said in one line', () => {
  test('a user without permissions', async (context) => {
    const user = '{ user: ada, password: right, permissions: { publish: "elsewhere.>", subscribe: ">" } }'
    const server = await startServer(context, { settings: `authorization { users: [ ${user} ] }` })
    const broker = createNatsBroker({ url: `nats://ada:right@${server.host}:${server.port}` })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerRefused',
      message: expect.stringContaining('does not allow publish') as string,
    })
  })

  test('a user who may not ask for entries', async (context) => {
    const denied = 'permissions: { publish: { deny: ["$JS.API.CONSUMER.MSG.NEXT.*.queue-q"] } }'
    const server = await startServer(context, {
      settings: `authorization { users: [ { user: ada, password: right, ${denied} } ] }`,
    })
    const broker = await open(`nats://ada:right@${server.host}:${server.port}`)
    const consumer = await broker.openConsumer(CONSUMER)
    await expect(consumer.receive(1, AbortSignal.timeout(10_000))).rejects.toMatchObject({ code: 'BrokerRefused' })
  })

  test.for([
    ['acknowledge', 'publish: { deny: ["$JS.ACK.>"] }', /publish of \$JS\.ACK\./],
    ['hear of cancels', 'subscribe: { deny: ["ds.*.cancel"] }', /subscription of ds\.default\.cancel/],
    ['tell of cancels', 'publish: { deny: ["ds.*.cancel"] }', /publish of ds\.default\.cancel/],
  ] as const)('a worker that may not %s, in its health', async ([_what, denied, message], context) => {
    const server = await startServer(context, {
      settings: `authorization { users: [ { user: ada, password: right, permissions: { ${denied} } } ] }`,
    })
    const broker = await open(`nats://ada:right@${server.host}:${server.port}`)
    const consumer = await broker.openConsumer(CONSUMER)
    await broker.submit([TASK])
    const deliveries = await consumer.receive(1, AbortSignal.timeout(10_000))
    await broker.cancel(TASK.id, { requeue: false })
    for (const { lease } of deliveries) await consumer.settle([{ lease, outcome: { type: 'cancelled' } }])
    await expect
      .poll(() => broker.health())
      .toMatchObject({
        ok: false,
        checks: expect.arrayContaining([
          expect.objectContaining({
            name: 'permissions',
            ok: false,
            message: expect.stringMatching(message) as string,
          }),
        ]) as unknown,
      })
  })

  test('nothing of what else a shared client may not do', async (context) => {
    const denied = 'permissions: { subscribe: { deny: ["billing.>"] }, publish: { deny: ["billing.>"] } }'
    const server = await startServer(context, {
      settings: `authorization { users: [ { user: ada, password: right, ${denied} } ] }`,
    })
    const client = await connect({ servers: `${server.host}:${server.port}`, user: 'ada', pass: 'right' })
    ending.push(() => client.close())
    const broker = createNatsBroker({ client })
    ending.push(() => broker.close())
    await broker.connect({ timeout: 15_000 })
    const refusals: string[] = []
    client.subscribe('billing.x', {
      callback: (error) => {
        if (error) refusals.push(error.message)
      },
    })
    client.publish('billing.x')
    await expect.poll(() => refusals).toHaveLength(1)
    expect(await broker.health()).toMatchObject({ ok: true })
  })

  test('a stream of that name with another shape', async (context) => {
    const server = await startServer(context)
    const client = await connect({ servers: `${server.host}:${server.port}` })
    ending.push(() => client.close())
    const { tasks, root } = namesOf('default')
    await (await jetstreamManager(client)).streams.add({ name: tasks, subjects: [`${root}.task.*`], max_age: 1e12 })
    const broker = createNatsBroker({ url: server.url })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
      message: expect.stringMatching(/another shape: .*discard is old.*max_age is set/) as string,
    })
  })

  test('a stream of that name that is a mirror', async (context) => {
    const server = await startServer(context)
    const { streams } = await jetstreamManager(await administrator(server))
    const { tasks } = namesOf('default')
    await streams.add({ name: 'ORIGIN', subjects: ['origin'] })
    await streams.add({ name: tasks, mirror: { name: 'ORIGIN' } })
    const broker = createNatsBroker({ url: server.url })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
      message: expect.stringContaining('mirror is set') as string,
    })
  })

  test('messages that may not be large enough for a task', async (context) => {
    const broker = createNatsBroker({ url: (await startServer(context, { maxPayload: 16_384 })).url })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
      message: expect.stringContaining('max_payload of the NATS server is 16384 bytes') as string,
    })
  })

  test('a list for which no consumer is left, and nothing else is thrown', async (context) => {
    const account = 'accounts { A { jetstream: { max_consumers: 4 }, users: [ { user: ada, password: right } ] } }'
    const server = await startServer(context, { settings: account })
    const broker = await open(`nats://ada:right@${server.host}:${server.port}`)
    await broker.submit([TASK])
    const consumer = await broker.openConsumer(CONSUMER)
    await runOne(consumer)
    await expect(broker.counts()).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
    // What waits for a connection that ends would reject now.
    await broker.close()
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('more replicas than one server can hold', async (context) => {
    const broker = createNatsBroker({ url: (await startServer(context)).url, replicas: 3 })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
      message: expect.stringContaining('3 replicas') as string,
    })
  })

  test('no room for another task', async (context) => {
    const broker = await open((await startServer(context)).url)
    await limit(broker, 1024)
    await expect(broker.submit([LARGE])).rejects.toMatchObject({
      message: expect.stringContaining('no room left') as string,
    })
    expect(await broker.get(['a'])).toEqual([undefined])
  })

  test('without room tasks are read and removed, and then there is some', async (context) => {
    const { url } = await startServer(context)
    const broker = await open(url)
    const { tasks } = namesOf('default')
    await broker.submit(Array.from({ length: 20 }, (_, index) => ({ ...LARGE, id: `done-${index}` })))
    await runAll(broker, 20)
    const { state } = await (await jetstreamManager(broker.client)).streams.info(tasks)
    await limit(broker, state.bytes)
    await expect(broker.submit([LARGE])).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    // Who comes now has no place for a mark.
    const other = await open(url)
    expect(await other.counts()).toMatchObject({ DONE: 20 })
    expect(await other.health()).toMatchObject({
      ok: false,
      checks: [
        { name: 'connection', ok: true },
        { name: 'storage', ok: false },
      ],
    })
    const { tasks: listed } = await other.list({ limit: 100 })
    expect(listed).toHaveLength(20)
    for (const { id } of listed) expect(await other.remove(id)).toBe('removed')
    expect(await other.counts()).toMatchObject({ DONE: 0 })
    expect(await other.health()).toMatchObject({ ok: true })
    expect(await other.submit([LARGE])).toEqual([{ ok: true, value: 'created' }])
    await runAll(other, 1)
    expect(await broker.counts()).toMatchObject({ DONE: 1, QUEUED: 0 })
  }, 60_000)
})

const LARGE: NewTask = { ...TASK, args: JSON.stringify('x'.repeat(2000)) }

async function limit(broker: NatsBroker, bytes: number): Promise<void> {
  const { streams } = await jetstreamManager(broker.client)
  await streams.update(namesOf('default').tasks, { max_bytes: bytes })
}

async function runAll(broker: NatsBroker, count: number): Promise<void> {
  const consumer = await broker.openConsumer(CONSUMER)
  for (let done = 0; done < count; done += 1) await runOne(consumer)
  await consumer.close()
}
