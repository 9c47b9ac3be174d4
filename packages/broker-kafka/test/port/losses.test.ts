import { Buffer } from 'node:buffer'
import type { TestCluster, TestServer } from '@ds/broker-testing'
import { Partitioners } from 'kafkajs'
import type { ProducerConfig } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import type { LogPort } from '../../src/port/log-port.ts'
import {
  atEnd,
  bareClient,
  cleanUp,
  connect,
  keysOf,
  newTopic,
  pause,
  readAll,
  record,
  start,
  startThree,
  whyNoSoak,
  print,
} from './ground.ts'

afterEach(cleanUp)

const PARTITIONS = 12

/** A topic on three servers, and the one that leads its first partition. */
async function threeWithTopic(): Promise<{ cluster: TestCluster; port: LogPort; topic: string; victim: TestServer }> {
  const cluster = await startThree()
  const port = await connect({ url: cluster.url })
  const topic = await newTopic(port, { partitions: PARTITIONS })
  const admin = bareClient(cluster).admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  const leader = topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.leader ?? 1
  return { cluster, port, topic, victim: cluster.members[leader - 1]! }
}

async function bareProducer(server: { url: string }, options: ProducerConfig = {}, requestTimeout?: number) {
  const producer = bareClient(server, requestTimeout).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    ...options,
  })
  await producer.connect()
  atEnd(() => producer.disconnect())
  return producer
}

/** A server stands still while a write is under way, and dies: its partitions go to servers that have answered already. */
async function killInTheMiddle<Answer>(victim: TestServer, write: () => Promise<Answer>): Promise<Answer> {
  await victim.pause()
  const writing = write()
  writing.catch(() => undefined)
  await pause(1000)
  await victim.kill()
  return writing
}

describe('three servers, one killed while a write waits for it', () => {
  test('the bare client acknowledges records that are in no log', { timeout: 60_000 }, async () => {
    const { cluster, port, topic, victim } = await threeWithTopic()
    const producer = await bareProducer(cluster)
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      key: `b${partition}`,
      value: 'v',
    }))
    await producer.send({ topic, messages: messages.map((message) => ({ ...message, key: `warm ${message.key}` })) })
    await killInTheMiddle(victim, () => producer.send({ topic, messages, acks: -1 }))
    const found = keysOf(await readAll(port, topic))
    const lost = messages.filter(({ key }) => !found.includes(key))
    print(`bare client: ${lost.length} of ${messages.length} acknowledged records are in no log`)
    expect(lost.length).toBeGreaterThan(0)
  })

  test('the port acknowledges only what is in the log', { timeout: 60_000 }, async () => {
    const { port, topic, victim } = await threeWithTopic()
    const keys = Array.from({ length: PARTITIONS }, (_, partition) => `p${partition}`)
    const records = keys.map((key, partition) => record(topic, key, { partition }))
    const answers = await killInTheMiddle(victim, () => port.append(records))
    const found = await readAll(port, topic)
    for (const [partition, answer] of answers.entries()) {
      const stored = found.find((entry) => entry.partition === partition && entry.offset === answer.offset)
      expect(String(stored?.key)).toBe(keys[partition])
    }
  })

  test('under load the port loses nothing that it acknowledged', { timeout: 120_000 }, async (context) => {
    context.skip(whyNoSoak !== undefined, whyNoSoak)
    const { port, topic, victim } = await threeWithTopic()
    const acknowledged: string[] = []
    const load = { failed: 0, stop: false }
    const writers = Array.from({ length: 64 }, (_, writer) => write(port, topic, { writer, load, acknowledged }))
    await pause(1500)
    await victim.kill()
    await pause(4000)
    await victim.start()
    await pause(2000)
    load.stop = true
    await Promise.all(writers)
    const found = keysOf(await readAll(port, topic))
    const stored = new Set(found)
    const lost = acknowledged.filter((key) => !stored.has(key))
    print(
      `port: ${acknowledged.length} acknowledged, ${load.failed} rejected, ${lost.length} lost, ${found.length - stored.size} stored twice`,
    )
    expect(lost).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(5000)
  })
})

interface Load {
  failed: number
  stop: boolean
}

async function write(
  port: LogPort,
  topic: string,
  { writer, load, acknowledged }: { writer: number; load: Load; acknowledged: string[] },
): Promise<void> {
  for (let turn = 0; !load.stop; turn += 1) {
    const keys = [`${writer}-${turn}-a`, `${writer}-${turn}-b`]
    const records = keys.map((key, index) => record(topic, key, { partition: (writer + turn + index) % PARTITIONS }))
    await port.append(records).then(
      () => acknowledged.push(...keys),
      () => (load.failed += 1),
    )
  }
}

describe('a server that stands still in the middle of a send', () => {
  test('the bare idempotent client acknowledges a record that is in no log', async () => {
    const server = await start()
    const port = await connect({ url: server.url })
    const topic = await newTopic(port)
    const producer = await bareProducer(
      server,
      { idempotent: true, maxInFlightRequests: 1, retry: { retries: 1, initialRetryTime: 100 } },
      1000,
    )
    await producer.send({ topic, messages: [{ key: 'first', value: 'v' }] })
    await server.pause()
    const timedOut = producer.send({ topic, messages: [{ key: 'timed out', value: 'v' }] }).catch(() => 'rejected')
    expect(await timedOut).toBe('rejected')
    await server.resume()
    await expect.poll(async () => keysOf(await readAll(port, topic))).toContain('timed out')
    await producer.send({ topic, messages: [{ key: 'acknowledged', value: 'v' }] })
    expect(keysOf(await readAll(port, topic))).not.toContain('acknowledged')
  })

  test('the port acknowledges only what is in the log, and gives each send a key of its own', async () => {
    const server = await start()
    const port = await connect({ url: server.url })
    const topic = await newTopic(port)
    await port.append([record(topic, 'first')])
    await server.pause()
    const key = (send: number): Buffer => Buffer.from(`waited ${send}`)
    const writing = port.append([{ topic, partition: 0, key, value: Buffer.from('v') }], { patience: 30_000 })
    await pause(7000)
    await server.resume()
    const [answer] = await writing
    await port.append([record(topic, 'last')])
    const found = await readAll(port, topic)
    expect(String(found.find(({ offset }) => offset === answer?.offset)?.key)).toBe(`waited ${answer?.send}`)
    expect(new Set(keysOf(found)).size).toBe(found.length)
    expect(keysOf(found)).toContain('last')
  })
})
