import { Buffer } from 'node:buffer'
import { startKafka, startKafkaCluster } from '@ds/broker-testing'
import type { KafkaClusterOptions, KafkaOptions, TestCluster, TestServer } from '@ds/broker-testing'
import { Kafka, logLevel } from 'kafkajs'
import { resolveOptions } from '../../src/options.ts'
import type { KafkaBrokerOptions } from '../../src/options.ts'
import { createKafkaPort } from '../../src/port/kafkajs-port.ts'
import type { KafkaPortOptions } from '../../src/port/kafkajs-port.ts'
import type { LogBatch, LogEntry, LogPort, LogRecord } from '../../src/port/log-port.ts'

const ends: (() => Promise<unknown> | void)[] = []
const lasting: (() => Promise<unknown> | void)[] = []

/** Why tests are left out that take long, or show again on another server what others show; undefined when they run. */
export const whyNoSoak: string | undefined =
  process.env['DS_TEST_SOAK'] === '1' ? undefined : 'takes long: set DS_TEST_SOAK=1'

/** To be done when the test has ended, the last first. */
export function atEnd(end: () => Promise<unknown> | void): void {
  ends.push(end)
}

export async function cleanUp(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end()
}

/** To be done when the file has ended. */
export async function cleanUpAll(): Promise<void> {
  await cleanUp()
  for (const end of lasting.splice(0).reverse()) await end()
}

/** A server for this whole file. */
export async function lastingServer(options: KafkaOptions = {}): Promise<TestServer> {
  const server = await startKafka({ ownProcess: true, ...options })
  lasting.push(() => server.close())
  return server
}

/** A server for this test alone. */
export async function start(options: KafkaOptions = {}): Promise<TestServer> {
  const server = await startKafka({ ownProcess: true, ...options })
  atEnd(() => server.close())
  return server
}

/** Three servers for this test alone. */
export async function startThree(options: KafkaClusterOptions = {}): Promise<TestCluster> {
  const cluster = await startKafkaCluster(options)
  atEnd(() => cluster.close())
  return cluster
}

/** A port that is not connected. */
export function make(options: KafkaBrokerOptions, more: Partial<KafkaPortOptions> = {}): LogPort {
  const port = createKafkaPort({ ...resolveOptions(options).connection, ...more })
  atEnd(() => port.close())
  return port
}

export async function connect(options: KafkaBrokerOptions, more: Partial<KafkaPortOptions> = {}): Promise<LogPort> {
  const port = make(options, more)
  await port.connect()
  return port
}

/** The client as it is, to compare and to do harm. */
export function bareClient({ url }: { url: string }, requestTimeout = 30_000): Kafka {
  const brokers = url.replace(/^kafka:\/\//, '').split(',')
  return new Kafka({ brokers, requestTimeout, connectionTimeout: 3000, logLevel: logLevel.NOTHING })
}

let drawn = 0
/** A topic of its own for each test. */
export async function newTopic(
  port: LogPort,
  { partitions = 1, settings = {} }: { partitions?: number; settings?: Record<string, string> } = {},
): Promise<string> {
  drawn += 1
  const topic = `ds.test-${drawn}`
  await port.ensureTopics([{ topic, partitions, settings: { 'message.timestamp.type': 'LogAppendTime', ...settings } }])
  return topic
}

export function record(
  topic: string,
  key: string,
  { partition = 0, value = key }: { partition?: number; value?: string } = {},
): LogRecord {
  return { topic, partition, key: Buffer.from(key), value: Buffer.from(value) }
}

/** Everything that a topic holds, in the order it came. */
export async function readAll(port: LogPort, topic: string): Promise<(LogEntry & { partition: number })[]> {
  const found: (LogEntry & { partition: number })[] = []
  const open = new Map(await port.endOffsets(topic))
  await new Promise<void>((resolve, reject) => {
    void port
      .tail({ topic, onBatch: take, onError: reject })
      .then((tail) => {
        tail.setPartitions(new Map([...open.keys()].map((partition) => [partition, 'start' as const])))
        atEnd(() => tail.close())
      })
      .catch(reject)
    function take({ partition, entries, position }: LogBatch): void {
      found.push(...entries.map((entry) => ({ ...entry, partition })))
      if (position >= (open.get(partition) ?? 0)) open.delete(partition)
      if (open.size === 0) resolve()
    }
  })
  return found
}

export function keysOf(entries: readonly LogEntry[]): string[] {
  return entries.map(({ key }) => String(key))
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Says a figure that was measured. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
