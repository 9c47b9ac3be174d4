import type { TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LogPort } from '../../src/port/log-port.ts'
import { cleanUp, cleanUpAll, connect, keysOf, lastingServer, newTopic, readAll, record } from './ground.ts'

let server: TestServer
let port: LogPort
beforeAll(async () => void (server = await lastingServer()))
afterEach(cleanUp)
afterAll(cleanUpAll)

describe('topics', () => {
  test('are created with their settings, once, also by several at the same time', async () => {
    const ports = await Promise.all([1, 2, 3].map(() => connect({ url: server.url })))
    const settings = { 'cleanup.policy': 'compact', 'segment.ms': '1000' }
    await Promise.all(ports.map((each) => each.ensureTopics([{ topic: 'ds.once', partitions: 5, settings }])))
    const [found] = await ports[0]!.describeTopics(['ds.once'])
    expect(found).toMatchObject({ topic: 'ds.once', partitions: 5, replicationFactor: 1 })
    expect(found?.settings.get('cleanup.policy')).toBe('compact')
    expect(found?.settings.get('segment.ms')).toBe('1000')
    expect(found?.settings.get('min.insync.replicas')).toBe('1')
  })

  test('that exist keep their settings, and are refused when their partitions are others', async () => {
    port = await connect({ url: server.url })
    const topic = await newTopic(port, { partitions: 2, settings: { 'segment.ms': '2000' } })
    await port.ensureTopics([{ topic, partitions: 2, settings: { 'segment.ms': '9000' } }])
    const [found] = await port.describeTopics([topic])
    expect(found?.settings.get('segment.ms')).toBe('2000')
    const refused = port.ensureTopics([{ topic, partitions: 3 }])
    await expect(refused).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
    await expect(refused).rejects.toThrow(/2 partitions in ds\.test-\d+, and 3 are asked for/)
  })

  test('more replicas than servers are refused, with what to do', async () => {
    port = await connect({ url: server.url })
    const started = Date.now()
    const refused = port.ensureTopics([{ topic: 'ds.replicas', partitions: 1, replicationFactor: 3 }])
    await expect(refused).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
    await expect(refused).rejects.toThrow(/replicationFactor/)
    expect(Date.now() - started).toBeLessThan(3000)
  })

  test('a setting that does not exist is refused', async () => {
    port = await connect({ url: server.url })
    const refused = port.ensureTopics([{ topic: 'ds.setting', partitions: 1, settings: { 'no.such.setting': '1' } }])
    await expect(refused).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
  })

  test('are listed by how they begin, and described as missing when they are', async () => {
    port = await connect({ url: server.url })
    await port.ensureTopics(['ds.list.b', 'ds.list.a', 'ds.other'].map((topic) => ({ topic, partitions: 1 })))
    expect(await port.topics('ds.list.')).toEqual(['ds.list.a', 'ds.list.b'])
    const found = await port.describeTopics(['ds.list.a', 'ds.not-there', 'ds.other'])
    expect(found.map((each) => each?.topic)).toEqual(['ds.list.a', undefined, 'ds.other'])
  })
})

describe('offsets', () => {
  test('of both ends follow what is written and deleted', async () => {
    port = await connect({ url: server.url })
    const topic = await newTopic(port, { partitions: 2 })
    expect([...(await port.endOffsets(topic))]).toEqual([
      [0, 0],
      [1, 0],
    ])
    await port.append(['a', 'b', 'c'].map((key) => record(topic, key, { partition: 1 })))
    expect((await port.endOffsets(topic, [1])).get(1)).toBe(3)
    await port.deleteRecords(topic, new Map([[1, 2]]))
    expect((await port.startOffsets(topic)).get(1)).toBe(2)
    expect(keysOf(await readAll(port, topic))).toEqual(['c'])
  })

  test('records beyond the end cannot be deleted', async () => {
    port = await connect({ url: server.url })
    const topic = await newTopic(port)
    await expect(port.deleteRecords(topic, new Map([[0, 5]]))).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
  })

  test('of a topic that is not there are refused', async () => {
    port = await connect({ url: server.url })
    await expect(port.endOffsets('ds.not-there')).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
  })
})
