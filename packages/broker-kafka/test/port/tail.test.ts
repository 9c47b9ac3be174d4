import type { TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LogBatch, LogPort, LogPosition, StartOffset, Tail } from '../../src/port/log-port.ts'
import { atEnd, cleanUp, cleanUpAll, connect, lastingServer, newTopic, pause, record } from './ground.ts'

let server: TestServer
let port: LogPort
beforeAll(async () => void (server = await lastingServer()))
afterEach(cleanUp)
afterAll(cleanUpAll)

interface Followed {
  readonly tail: Tail
  readonly batches: LogBatch[]
  readonly skipped: LogPosition[]
  /** `partition offset key` of everything that came. */
  keys(): string[]
}

async function follow(topic: string, maxBytesPerPartition = 1_000_000): Promise<Followed> {
  const batches: LogBatch[] = []
  const skipped: LogPosition[] = []
  const onSkipped = (position: LogPosition): void => void skipped.push(position)
  const tail = await port.tail({ topic, maxBytesPerPartition, onBatch: (batch) => void batches.push(batch), onSkipped })
  atEnd(() => tail.close())
  const keys = (): string[] =>
    batches.flatMap(({ partition, entries }) =>
      entries.map(({ offset, key }) => [partition, offset, String(key)].join(' ')),
    )
  return { tail, batches, skipped, keys }
}

function starts(...list: [number, StartOffset][]): ReadonlyMap<number, StartOffset> {
  return new Map(list)
}

async function write(topic: string, ...places: [partition: number, key: string][]): Promise<void> {
  await port.append(places.map(([partition, key]) => record(topic, key, { partition })))
}

async function topicOn(partitions: number, settings: Record<string, string> = {}): Promise<string> {
  port = await connect({ url: server.url })
  return newTopic(port, { partitions, settings })
}

describe('a tail', () => {
  test('reads the partitions it was given, from where it was told, and no others', async () => {
    const topic = await topicOn(4)
    await write(topic, [0, 'a'], [0, 'b'], [1, 'c'], [2, 'd'], [3, 'e'])
    const { tail, keys } = await follow(topic)
    tail.setPartitions(starts([0, 1], [1, 'start'], [2, 'end']))
    await expect.poll(() => keys().sort()).toEqual(['0 1 b', '1 0 c'])
    await expect.poll(() => tail.positions().get(2)).toBe(1)
    await write(topic, [2, 'f'], [3, 'g'])
    await expect.poll(() => keys().sort()).toEqual(['0 1 b', '1 0 c', '2 1 f'])
    expect([...tail.positions()].sort(([a], [b]) => a - b)).toEqual([
      [0, 2],
      [1, 1],
      [2, 2],
    ])
  })

  test('says once of each partition where it stands, also when there is nothing to read', async () => {
    const topic = await topicOn(3)
    const { tail, batches } = await follow(topic)
    tail.setPartitions(starts([0, 'start'], [1, 'end'], [2, 0]))
    await expect.poll(() => batches.length).toBe(3)
    await pause(600)
    expect(
      batches.map(({ partition, position, end, entries }) => [partition, position, end, entries.length]).sort(),
    ).toEqual([
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [2, 0, 0, 0],
    ])
  })

  test('hands over nothing of a partition from the moment it is taken away, and goes on with the others', async () => {
    const topic = await topicOn(2)
    const { tail, keys } = await follow(topic)
    tail.setPartitions(starts([0, 'start'], [1, 'start']))
    await write(topic, [0, 'a'], [1, 'b'])
    await expect.poll(() => keys().length).toBe(2)
    tail.setPartitions(starts([1, 'start']))
    await write(topic, [0, 'c'], [1, 'd'])
    await expect.poll(keys).toContain('1 1 d')
    expect(keys().filter((key) => key === '1 0 b')).toHaveLength(1)
    expect(keys()).not.toContain('0 1 c')
    tail.setPartitions(starts([0, 'start'], [1, 'start']))
    await expect.poll(() => keys().filter((key) => key === '0 0 a')).toHaveLength(2)
    await expect.poll(keys).toContain('0 1 c')
  })

  test('reads a partition anew after a seek', async () => {
    const topic = await topicOn(1)
    await write(topic, [0, 'a'], [0, 'b'])
    const { tail, keys } = await follow(topic)
    tail.setPartitions(starts([0, 'start']))
    await expect.poll(keys).toEqual(['0 0 a', '0 1 b'])
    tail.seek(0, 1)
    await expect.poll(keys).toEqual(['0 0 a', '0 1 b', '0 1 b'])
  })

  test('hands over nothing while it is paused, and then everything, once', async () => {
    const topic = await topicOn(1)
    const { tail, keys } = await follow(topic)
    tail.setPartitions(starts([0, 'start']))
    await write(topic, [0, 'a'])
    await expect.poll(keys).toEqual(['0 0 a'])
    tail.pause([0])
    await write(topic, [0, 'b'])
    await pause(700)
    expect(keys()).toEqual(['0 0 a'])
    await write(topic, [0, 'c'])
    tail.resume([0])
    await expect.poll(keys).toEqual(['0 0 a', '0 1 b', '0 2 c'])
  })

  test('a partition that is added is read at once, though a fetch for the others is under way', async () => {
    const topic = await topicOn(3)
    await write(topic, [1, 'a'])
    const { tail, keys } = await follow(topic)
    tail.setPartitions(starts([0, 'start']))
    await pause(700)
    const times: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const [started, before] = [performance.now(), keys().length]
      tail.seek(1, 'start')
      await expect.poll(() => keys().length, { interval: 1 }).toBe(before + 1)
      times.push(performance.now() - started)
      await pause(130)
    }
    expect(times.sort((a, b) => a - b)[2]).toBeLessThan(120)
  })

  test('reads records in small pieces when told to, all of them and in order', async () => {
    const topic = await topicOn(2)
    const all = Array.from({ length: 300 }, (_, index) => index)
    for (let turn = 0; turn < 3; turn += 1) {
      await port.append(
        all.map((index) => record(topic, String(index + turn * 300), { partition: index % 2, value: 'v'.repeat(400) })),
      )
    }
    const { tail, keys, batches } = await follow(topic, 20_000)
    tail.setPartitions(starts([0, 'start'], [1, 'start']))
    await expect.poll(() => keys().length).toBe(900)
    expect(batches.length).toBeGreaterThan(4)
    const own = keys().filter((key) => key.startsWith('0 '))
    expect(own.map((key) => Number(key.split(' ')[1]))).toEqual(own.map((_, index) => index))
  })

  test('goes on behind what retention took, and says so', async () => {
    const topic = await topicOn(1)
    await write(topic, [0, 'a'], [0, 'b'], [0, 'c'])
    await port.deleteRecords(topic, new Map([[0, 2]]))
    const { tail, keys, skipped } = await follow(topic)
    tail.setPartitions(starts([0, 0]))
    await expect.poll(keys).toEqual(['0 2 c'])
    expect(skipped).toEqual([{ topic, partition: 0, offset: 2 }])
  })

  test('passes the gaps of compaction, up to the end', async () => {
    const topic = await topicOn(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '500',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '500',
      'delete.retention.ms': '0',
    })
    for (let turn = 0; turn < 5; turn += 1) {
      await write(topic, [0, 'same'], [0, 'same'], [0, `own ${turn}`])
      await pause(600)
    }
    const end = (await port.endOffsets(topic)).get(0)
    const { tail, batches } = await follow(topic)
    tail.setPartitions(starts([0, 'start']))
    await expect.poll(() => batches.at(-1)?.position).toBe(end)
  })

  test('outlives a handler that throws, and says so', async () => {
    const topic = await topicOn(1)
    const [seen, errors] = [[] as string[], [] as Error[]]
    const tail = await port.tail({
      topic,
      onBatch: ({ entries: [entry] }) => {
        if (!entry) return
        seen.push(String(entry.key))
        throw new TypeError('a bug in the handler')
      },
      onError: (error) => void errors.push(error),
    })
    tail.setPartitions(starts([0, 'start']))
    await write(topic, [0, 'a'])
    await expect.poll(() => seen).toEqual(['a'])
    await write(topic, [0, 'b'])
    await expect.poll(() => seen).toEqual(['a', 'b'])
    expect(errors.map(({ message }) => message)).toEqual(['a bug in the handler', 'a bug in the handler'])
  })

  test('a topic that is not there is told, and read once it is', async () => {
    port = await connect({ url: server.url })
    const errors: string[] = []
    const keys: string[] = []
    const tail = await port.tail({
      topic: 'ds.later',
      onBatch: ({ entries }) => void keys.push(...entries.map(({ key }) => String(key))),
      onError: (error) => void errors.push(error.message),
    })
    tail.setPartitions(starts([0, 'start']))
    await expect.poll(() => errors.join()).toContain('UNKNOWN_TOPIC_OR_PARTITION')
    await port.ensureTopics([{ topic: 'ds.later', partitions: 1 }])
    await port.append([record('ds.later', 'a')])
    await expect.poll(() => keys).toEqual(['a'])
  })

  test('tells when a server last answered, also while there is nothing to read', async () => {
    const topic = await topicOn(1)
    const { tail } = await follow(topic)
    expect(tail.lastAnswerAt()).toBeUndefined()
    tail.setPartitions(starts([0, 'start']))
    await pause(1500)
    expect(Date.now() - (tail.lastAnswerAt() ?? 0)).toBeLessThan(800)
    expect(port.loops().find(({ name }) => name === `tail ${topic}`)).toMatchObject({ waiting: true })
  })
})
