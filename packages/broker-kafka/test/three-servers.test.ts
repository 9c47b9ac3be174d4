import { DsError } from '@ds/core'
import type { Broker, NewTask, TaskConsumer } from '@ds/core'
import { startKafkaCluster } from '@ds/broker-testing'
import { afterEach, describe, expect, test } from 'vitest'
import { createKafkaBroker } from '../src/index.ts'
import type { KafkaBroker } from '../src/index.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** How often a server is killed and started again. */
const KILLS = process.env['DS_TEST_SOAK'] === '1' ? 3 : 1

async function connect(url: string): Promise<KafkaBroker> {
  const broker = createKafkaBroker({ url, replicationFactor: 3, minInSyncReplicas: 2 })
  ends.push(() => broker.close())
  await broker.connect({ timeout: 20_000 })
  return broker
}

function newTask(id: string): NewTask {
  const kind = { name: 'noop', group: 'default', queue: 'default' }
  return { id, incarnation: `life of ${id}`, ...kind, args: '{}', maxRetries: 3, maxCrashes: 3 }
}

/** Submits until it is told to stop, and remembers what was confirmed. An outage is waited out, as managers do. */
async function submitMany(broker: Broker, writer: number, { signal }: { signal: AbortSignal }): Promise<string[]> {
  const accepted: string[] = []
  for (let turn = 0; !signal.aborted; turn += 1) {
    const task = newTask(`${writer}-${turn}`)
    while (!(await isAccepted(broker, task)) && !signal.aborted);
    accepted.push(task.id)
    await pause(5)
  }
  // The last one may have been given up in the middle.
  return accepted.slice(0, -1)
}

async function isAccepted(broker: Broker, task: NewTask): Promise<boolean> {
  const [answer] = await broker.submit([task]).catch((error: unknown) => {
    if (DsError.is(error, 'BrokerUnavailable')) return []
    throw error
  })
  return answer?.ok === true
}

/** Runs what comes, and counts the starts of each. */
async function runAll(consumer: TaskConsumer, starts: Map<string, number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const deliveries = await consumer.receive(50, signal)
    for (const { task } of deliveries) starts.set(task.id, (starts.get(task.id) ?? 0) + 1)
    const items = deliveries.map(({ lease }) => ({ lease, outcome: { type: 'done', result: '1' } as const }))
    if (items.length > 0) await consumer.settle(items)
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

describe('three servers, three replicas, two in sync', () => {
  test('one killed under load: nothing that was accepted is lost', { timeout: 240_000 }, async () => {
    const cluster = await startKafkaCluster()
    ends.push(() => cluster.close())
    const [manager, worker] = [await connect(cluster.url), await connect(cluster.url)]
    expect((await manager.health()).durability.level).toBe('strong')
    const consumer = await worker.openConsumer({
      queues: ['default'],
      workerId: 'worker',
      lease: 60_000,
      onCancel: () => undefined,
    })
    const [starts, submitting, running] = [new Map<string, number>(), new AbortController(), new AbortController()]
    const runs = runAll(consumer, starts, running.signal)
    const submits = Promise.all(Array.from({ length: 8 }, (_, writer) => submitMany(manager, writer, submitting)))
    for (let kill = 0; kill < KILLS; kill += 1) {
      await pause(2000)
      await cluster.members[kill % 3]?.kill()
      await pause(4000)
      await cluster.members[kill % 3]?.start()
      await pause(2000)
    }
    submitting.abort()
    const accepted = (await submits).flat()
    const isDone = async (): Promise<number> => accepted.length - (await doneOf(manager, accepted))
    await expect.poll(isDone, { timeout: 60_000, interval: 500 }).toBe(0)
    running.abort()
    await runs
    const twice = [...starts.values()].filter((count) => count > 1).length
    process.stdout.write(
      `${KILLS} killed: ${accepted.length} tasks accepted, all done, ${twice} started more than once\n`,
    )
    expect(accepted.length).toBeGreaterThan(500)
  })
})

async function doneOf(broker: Broker, ids: readonly string[]): Promise<number> {
  let done = 0
  for (let at = 0; at < ids.length; at += 500) {
    const tasks = await broker.get(ids.slice(at, at + 500))
    done += tasks.filter((task) => task?.state === 'DONE').length
  }
  return done
}
