import { startBehindProxy, startNats, whyNoServer } from '@ds/broker-testing'
import type { NatsOptions, TestServer } from '@ds/broker-testing'
import { drawTaskId } from '@ds/core'
import type { ConsumerOptions, NewTask, TaskConsumer } from '@ds/core'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterEach } from 'vitest'
import type { TestContext } from 'vitest'
import { createNatsBroker } from '../src/index.ts'
import type { NatsBroker } from '../src/index.ts'
import { checkOptions } from '../src/options.ts'
import { NatsParts } from '../src/parts.ts'
import { serverVersion } from './tools.ts'

/*
 * What the tests of this folder do again and again. What they open is closed after each test, the last first.
 */

export const CONSUMER: ConsumerOptions = { queues: ['q'], workerId: 'w', lease: 60_000, onCancel: () => undefined }

/** The server that DS_TEST_NATS_VERSION names, in a process of its own. */
export const SERVER: NatsOptions = { ownProcess: true, ...serverVersion() }

const reason = await whyNoServer('nats', {})

export const ending: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** A server for one test, which is skipped, with the reason, where there can be none. */
export async function startServer(context: TestContext, options: NatsOptions = {}): Promise<TestServer> {
  context.skip(reason !== undefined, reason)
  const server = await startNats({ ...options, ...SERVER })
  ending.push(() => server.close())
  return server
}

/** The same, and a way to it that can be slow or broken. */
export async function startProxied(context: TestContext): ReturnType<typeof startBehindProxy> {
  context.skip(reason !== undefined, reason)
  const started = await startBehindProxy('nats', SERVER)
  ending.push(started.close)
  return started
}

/** A task with a drawn id. */
export function newTask(): NewTask {
  const identity = { id: drawTaskId(), uniqueId: true, incarnation: 'life', name: 'n', group: 'g', queue: 'q' } as const
  return { ...identity, args: '{"kept":"for as long as the task is there"}', maxRetries: 0, maxCrashes: 3 }
}

/** A task with an id of its creator's choice. */
export function namedTask(id: string): NewTask {
  const { uniqueId: _unique, ...task } = newTask()
  return { ...task, id }
}

export async function open(url: string): Promise<NatsBroker> {
  const broker = createNatsBroker({ url })
  ending.push(() => broker.close())
  await broker.connect({ timeout: 15_000 })
  return broker
}

/** A broker with its parts in reach. */
export async function openParts(url: string): Promise<NatsParts> {
  const parts = new NatsParts(checkOptions({ url }))
  await parts.open({ timeout: 15_000 })
  ending.push(() => parts.close())
  return parts
}

/** The server as an administrator sees it. */
export async function administrator({ host, port }: { host: string; port: number }): Promise<NatsConnection> {
  const connection = await connect({ servers: `${host}:${port}` })
  ending.push(() => connection.close())
  return connection
}

/** Takes the next task and ends it; gives its args. */
export async function runOne(consumer: TaskConsumer): Promise<string> {
  const [delivery] = await consumer.receive(1, AbortSignal.timeout(20_000))
  if (!delivery) throw new Error('no task was received')
  await consumer.settle([{ lease: delivery.lease, outcome: { type: 'done', result: '1' } }])
  return delivery.args
}
