import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { createNatsBroker } from '../src/index.ts'
import { NatsParts } from '../src/parts.ts'
import { checkOptions } from '../src/options.ts'
import { administrator, CONSUMER, ending, newTask, open, openParts, runOne, startServer } from './steps.ts'

test('a worker whose credentials are refused for a while goes on when they are taken again', async (context) => {
  const server = await startServer(context, { users: [{ name: 'ada', password: 'right' }] })
  const consumer = await (await open(server.url)).openConsumer(CONSUMER)
  const file = path.join(server.dataDir ?? '', 'nats-server.conf')
  const right = await readFile(file, 'utf8')
  await restartWith(right.replaceAll('"right"', '"wrong"'))
  // Several times refused.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await restartWith(right)
  const task = newTask()
  await (await open(server.url)).submit([task])
  expect(await receivedAgain(consumer)).toBe(task.args)

  async function restartWith(configuration: string): Promise<void> {
    await server.stop()
    await writeFile(file, configuration)
    await server.start()
  }
}, 60_000)

test.for([
  ['says nothing', undefined, 'BrokerUnavailable', 'said nothing'],
  ['is of another kind', 'SSH-2.0-server\r\n', 'BrokerRefused', 'is no NATS server'],
] as const)(
  'what listens there and %s is told, and keeps no socket',
  { timeout: 20_000 },
  async ([, greeting, code, told]) => {
    const sockets = new Set<Socket>()
    const listener = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
      if (greeting !== undefined) socket.write(greeting)
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    ending.push(async () => void listener.close())
    const { port } = listener.address() as AddressInfo
    const broker = createNatsBroker({ url: `nats://127.0.0.1:${port}` })
    ending.push(() => broker.close())
    const message = expect.stringContaining(told) as string
    await expect(broker.connect({ timeout: 5000 })).rejects.toMatchObject({ code, message })
    await expect.poll(() => sockets.size).toBe(0)
  },
)

test('many large results are read at once, and the server does not cut the reader off', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const tasks = Array.from({ length: 150 }, newTask)
  await broker.submit(tasks)
  const result = JSON.stringify('x'.repeat(700_000))
  for (let left = tasks.length; left > 0; left -= 1) {
    const [held] = await consumer.receive(1, AbortSignal.timeout(20_000))
    if (held) await consumer.settle([{ lease: held.lease, outcome: { type: 'done', result } }])
  }
  const reader = await open(server.url)
  const results = await Promise.all(tasks.map(({ id }) => reader.result(id)))
  expect(results.filter((text) => text !== result)).toEqual([])
}, 60_000)

test('consumers that cannot be opened leave nothing behind', async (context) => {
  const server = await startServer(context)
  const broker = createNatsBroker({ url: server.url, timeout: 100 })
  ending.push(() => broker.close())
  await broker.connect({ timeout: 15_000 })
  const { protocol } = broker.client as unknown as { protocol: { subscriptions: { size(): number } } }
  await server.stop()
  await expect(broker.openConsumer(CONSUMER)).rejects.toThrow('NATS')
  const before = protocol.subscriptions.size()
  for (let call = 0; call < 10; call += 1) await expect(broker.openConsumer(CONSUMER)).rejects.toThrow('NATS')
  expect(protocol.subscriptions.size()).toBe(before)
}, 60_000)

test('a second connect, after one that failed late, mends as the first would have', async (context) => {
  const server = await startServer(context)
  await (await openParts(server.url)).close()
  const { consumers } = await jetstreamManager(await administrator(server))
  const parts = new NatsParts(checkOptions({ url: server.url }))
  ending.push(() => parts.close())
  await consumers.delete('DS_default_TASKS', 'sweeping')
  await consumers.add('DS_default_TASKS', { durable_name: 'sweeping', filter_subject: 'ds.default.app.*' })
  await expect(parts.open({ timeout: 15_000 })).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
  await consumers.delete('DS_default_TASKS', 'sweeping')
  const read = async (): Promise<number> => {
    for await (const { name, delivered } of consumers.list('DS_default_TASKS'))
      if (name.startsWith('mending')) return delivered.consumer_seq
    return 0
  }
  const before = await read()
  await parts.open({ timeout: 15_000 })
  await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(before)
}, 60_000)

/** A receive that an outage ends is asked again. */
async function receivedAgain(consumer: Parameters<typeof runOne>[0]): Promise<string> {
  for (;;) {
    try {
      return await runOne(consumer)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'BrokerUnavailable') throw error
    }
  }
}
