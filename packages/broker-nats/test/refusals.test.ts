import { startNats, whyNoServer } from '@ds/broker-testing'
import type { NatsOptions, TestServer } from '@ds/broker-testing'
import type { NewTask } from '@ds/core'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, describe, expect, test } from 'vitest'
import { createNatsBroker } from '../src/index.ts'
import { namesOf } from '../src/names.ts'

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
const ending: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function start(options: NatsOptions = {}): Promise<TestServer> {
  const server = await startNats({ ...options, ownProcess: true })
  ending.push(() => server.close())
  return server
}

const reason = await whyNoServer('nats', {})

describe('what a server cannot give is said in one line', () => {
  test('a user without permissions', async (context) => {
    context.skip(reason !== undefined, reason)
    const user = '{ user: ada, password: right, permissions: { publish: "elsewhere.>", subscribe: ">" } }'
    const server = await start({ settings: `authorization { users: [ ${user} ] }` })
    const broker = createNatsBroker({ url: `nats://ada:right@${server.host}:${server.port}` })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerRefused',
      message: expect.stringContaining('does not allow publish') as string,
    })
  })

  test('a stream of that name with another shape', async (context) => {
    context.skip(reason !== undefined, reason)
    const server = await start()
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

  test('more replicas than one server can hold', async (context) => {
    context.skip(reason !== undefined, reason)
    const broker = createNatsBroker({ url: (await start()).url, replicas: 3 })
    ending.push(() => broker.close())
    await expect(broker.connect({ timeout: 15_000 })).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
      message: expect.stringContaining('3 replicas') as string,
    })
  })

  test('no room for another task', async (context) => {
    context.skip(reason !== undefined, reason)
    const server = await start()
    const broker = createNatsBroker({ url: server.url })
    ending.push(() => broker.close())
    await broker.connect({ timeout: 15_000 })
    const { tasks } = namesOf('default')
    await (await jetstreamManager(broker.client)).streams.update(tasks, { max_bytes: 1024 })
    await expect(broker.submit([{ ...TASK, args: JSON.stringify('x'.repeat(2000)) }])).rejects.toMatchObject({
      message: expect.stringContaining('no room left') as string,
    })
    expect(await broker.get(['a'])).toEqual([undefined])
  })
})
