import type { Broker, ConsumerOptions, NewTask, TaskConsumer } from '@ds/core'
import { startRedis } from '@ds/broker-testing'
import type { RedisOptions, TestServer } from '@ds/broker-testing'
import { Redis } from 'ioredis'
import { createRedisBroker } from '../src/index.ts'
import type { RedisBroker, RedisBrokerOptions } from '../src/index.ts'

const ends: (() => Promise<unknown> | void)[] = []

/** To be done when the test has ended, the last first. */
export function atEnd(end: () => Promise<unknown> | void): void {
  ends.push(end)
}

export async function cleanUp(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end()
}

/** A server for this test alone. */
export async function start(options: RedisOptions = {}): Promise<TestServer> {
  const server = await startRedis({ ownProcess: true, ...options })
  atEnd(() => server.close())
  return server
}

/** A broker that is not connected. */
export function make(options: RedisBrokerOptions): RedisBroker {
  const broker = createRedisBroker(options)
  atEnd(() => broker.close())
  return broker
}

export async function connect(options: RedisBrokerOptions): Promise<RedisBroker> {
  const broker = make(options)
  await broker.connect({ timeout: 10_000 })
  return broker
}

/** A client beside the broker, to look and to do harm. */
export function clientOf(server: TestServer): Redis {
  const client = new Redis(server.url)
  atEnd(() => client.disconnect())
  return client
}

export function openConsumer(broker: Broker, options: Partial<ConsumerOptions> = {}): Promise<TaskConsumer> {
  return broker.openConsumer({
    queues: ['default'],
    workerId: 'w',
    lease: 60_000,
    onCancel: () => undefined,
    ...options,
  })
}

/** For a receive that is to get something. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(10_000)
}

let drawn = 0
export function newTask(more: Partial<NewTask> = {}): NewTask {
  drawn += 1
  const base = { id: `task-${drawn}`, incarnation: `life-${drawn}`, name: 'noop', group: 'default', queue: 'default' }
  return { ...base, args: '{}', maxRetries: 2, maxCrashes: 3, ...more }
}
