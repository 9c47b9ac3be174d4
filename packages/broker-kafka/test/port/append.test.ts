import { Buffer } from 'node:buffer'
import { PayloadTooLargeError } from '@ds/core'
import type { TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LogPort } from '../../src/port/log-port.ts'
import {
  bareClient,
  cleanUp,
  cleanUpAll,
  connect,
  keysOf,
  lastingServer,
  newTopic,
  readAll,
  record,
  whyNoSoak,
} from './ground.ts'

describe.each(['4.3.1', '3.9.2'] as const)('on Kafka %s', (version) => {
  let server: TestServer
  let port: LogPort
  const reason = version === '4.3.1' ? undefined : whyNoSoak
  beforeAll(async () => {
    if (reason === undefined) server = await lastingServer({ version })
  })
  beforeEach((context) => context.skip(reason !== undefined, reason))
  afterEach(cleanUp)
  afterAll(cleanUpAll)

  async function topicOn(options: Parameters<typeof newTopic>[1] = {}): Promise<string> {
    port = await connect({ url: server.url })
    return newTopic(port, options)
  }

  test('a write is answered with its place and time in the log, record by record', async () => {
    const topic = await topicOn({ partitions: 3 })
    const before = Date.now()
    const records = ['a', 'b', 'c', 'd'].map((key, index) => record(topic, key, { partition: index % 3 }))
    const answers = await port.append(records)
    expect(answers.map(({ offset }) => offset)).toEqual([0, 0, 0, 1])
    for (const { appendedAt = 0 } of answers) expect(Math.abs(appendedAt - before)).toBeLessThan(5000)
    const found = await readAll(port, topic)
    expect(found.map(({ partition, offset, key }) => [partition, offset, String(key)].join(' ')).sort()).toEqual([
      '0 0 a',
      '0 1 d',
      '1 0 b',
      '2 0 c',
    ])
  })

  test('where times are the writer’s, an answer has none', async () => {
    const topic = await topicOn({ settings: { 'message.timestamp.type': 'CreateTime' } })
    const [answer] = await port.append([record(topic, 'a')])
    expect([answer?.offset, answer?.appendedAt]).toEqual([0, undefined])
  })

  test('headers, tombstones and empty values come back as they were', async () => {
    const topic = await topicOn()
    const key = Buffer.from('k')
    const headers = { one: Buffer.from([0, 255]), two: Buffer.alloc(0) }
    await port.append([
      { topic, partition: 0, key, value: null, headers },
      { topic, partition: 0, key, value: Buffer.alloc(0) },
    ])
    const [first, second] = await readAll(port, topic)
    expect([first?.value, first?.headers]).toEqual([null, headers])
    expect([second?.value, second?.headers]).toEqual([Buffer.alloc(0), {}])
  })

  test('what the bare client reads is what was written', async () => {
    const topic = await topicOn()
    await port.append([{ ...record(topic, 'k', { value: 'ü' }), headers: { h: Buffer.from('x') } }])
    const consumer = bareClient(server).consumer({ groupId: `bare-${version}` })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const read = await new Promise((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          resolve([String(message.key), String(message.value), String(message.headers?.['h'])])
        },
      })
    })
    await consumer.disconnect()
    expect(read).toEqual(['k', 'ü', 'x'])
  })

  test('records of one call and one partition keep their order, whatever is written beside them', async () => {
    const topic = await topicOn({ partitions: 2 })
    const calls = Array.from({ length: 200 }, (_, call) =>
      Array.from({ length: 5 }, (_, index) => record(topic, `${call}-${index}`, { partition: call % 2 })),
    )
    await Promise.all(calls.map((records) => port.append(records)))
    const found = keysOf(await readAll(port, topic))
    expect(found).toHaveLength(1000)
    for (let call = 0; call < 200; call += 1) {
      const own = found.filter((key) => key.startsWith(`${call}-`))
      expect(own).toEqual([0, 1, 2, 3, 4].map((index) => `${call}-${index}`))
    }
  })

  test('a key maker that throws fails its own call alone', async () => {
    const topic = await topicOn()
    const broken = port.append([{ ...record(topic, 'x'), key: () => fail() }])
    const whole = port.append([record(topic, 'y')])
    await expect(broken).rejects.toThrow('no key today')
    await expect(whole).resolves.toHaveLength(1)
  })

  test('records that are too large together for one batch are written in several', async () => {
    const topic = await topicOn({ settings: { 'max.message.bytes': '20000' } })
    const records = Array.from({ length: 40 }, (_, index) => record(topic, String(index), { value: 'v'.repeat(5000) }))
    const answers = await port.append(records)
    expect(answers.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(records.map((_, index) => index))
  })

  test('a record over max.message.bytes is refused with the limit, and no neighbour with it', async () => {
    const topic = await topicOn({ settings: { 'max.message.bytes': '20000' } })
    const large = port.append([record(topic, 'large', { value: 'v'.repeat(30_000) })])
    const small = Promise.all(['a', 'b', 'c'].map((key) => port.append([record(topic, key)])))
    const error: unknown = await large.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PayloadTooLargeError)
    expect(error).toMatchObject({ code: 'PayloadTooLarge', limit: 20_000 })
    await small
    expect(keysOf(await readAll(port, topic)).sort()).toEqual(['a', 'b', 'c'])
  })

  test('a topic or partition that is not there is said, in time', async () => {
    const topic = await topicOn()
    const started = Date.now()
    await expect(port.append([record(topic, 'x', { partition: 7 })])).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
    })
    await expect(port.append([record(`${topic}-not-there`, 'x')])).rejects.toMatchObject({
      code: 'BrokerMisconfigured',
    })
    expect(Date.now() - started).toBeLessThan(12_000)
    await expect(port.append([record(topic, 'x')])).resolves.toHaveLength(1)
  })

  test('nothing at all is written at once', async () => {
    await topicOn()
    await expect(port.append([])).resolves.toEqual([])
  })

  test('what waits when it closes is rejected, and so is what comes later', async () => {
    const topic = await topicOn()
    const waiting = port.append([record(topic, 'x')])
    await port.close()
    await expect(waiting).rejects.toMatchObject({ code: 'BrokerClosed' })
    await expect(port.append([record(topic, 'y')])).rejects.toMatchObject({ code: 'BrokerClosed' })
    await expect(port.endOffsets(topic)).rejects.toMatchObject({ code: 'BrokerClosed' })
  })
})

function fail(): never {
  throw new Error('no key today')
}
