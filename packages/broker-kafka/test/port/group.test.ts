import type { TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { GroupMember, GroupOptions, LogPort, TopicPartition } from '../../src/port/log-port.ts'
import { cleanUp, cleanUpAll, connect, lastingServer, newTopic, pause, record, print } from './ground.ts'

let server: TestServer
let port: LogPort
let drawn = 0
beforeAll(async () => void (server = await lastingServer()))
afterEach(cleanUp)
afterAll(cleanUpAll)

class Joined {
  readonly keys: string[] = []
  readonly calls: string[] = []
  member!: GroupMember

  partitions(): number[] {
    return this.member
      .assignment()
      .map(({ partition }) => partition)
      .sort((a, b) => a - b)
  }
}

interface Joining extends Partial<GroupOptions> {
  readonly group: string
  readonly topics: readonly string[]
  readonly commits?: boolean
}

async function join(from: LogPort, { commits = true, ...options }: Joining): Promise<Joined> {
  const joined = new Joined()
  const told = (word: string) => (places: readonly TopicPartition[]) =>
    void joined.calls.push(
      `${word} ${places
        .map(({ partition }) => partition)
        .sort((a, b) => a - b)
        .join()}`,
    )
  joined.member = await from.joinGroup({
    onBatch: ({ topic, partition, entries, position }) => {
      joined.keys.push(...entries.map(({ key }) => String(key)))
      if (commits) joined.member?.commit([{ topic, partition, offset: position }])
    },
    onAssigned: told('assigned'),
    onRevoked: told('revoked'),
    sessionTimeout: 2000,
    ...options,
  })
  return joined
}

async function ground(partitions: number): Promise<{ topics: string[]; group: string; topic: string }> {
  port = await connect({ url: server.url })
  const topic = await newTopic(port, { partitions })
  drawn += 1
  return { topic, topics: [topic], group: `ds.group-${drawn}` }
}

async function write(topic: string, partitions: number, ...keys: string[]): Promise<void> {
  await port.append(keys.map((key, index) => record(topic, key, { partition: index % partitions })))
}

describe('a group', () => {
  test('of one reads everything from the beginning', async () => {
    const { topic, ...options } = await ground(3)
    await write(topic, 3, 'a', 'b', 'c', 'd')
    const one = await join(port, options)
    expect(one.partitions()).toEqual([0, 1, 2])
    await expect.poll(() => [...one.keys].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(one.calls).toEqual(['assigned 0,1,2'])
  })

  test('shares, and who keeps a partition goes on where it is, though nothing was committed', async () => {
    const { topic, ...options } = await ground(4)
    await write(topic, 4, 'a', 'b', 'c', 'd')
    const one = await join(port, { ...options, commits: false })
    await expect.poll(() => one.keys.length).toBe(4)
    const two = await join(await connect({ url: server.url }), { ...options, commits: false })
    await expect.poll(() => [one.partitions().length, two.partitions().length]).toEqual([2, 2])
    await expect.poll(() => two.keys.length).toBe(2)
    expect(one.keys).toHaveLength(4)
    await write(topic, 4, 'e', 'f', 'g', 'h')
    await expect.poll(() => one.keys.length + two.keys.length).toBe(10)
    expect(new Set(one.keys).size).toBe(one.keys.length)
  })

  test('begins where a former owner committed, at the latest when partitions are dealt anew', async () => {
    const { topic, ...options } = await ground(2)
    await write(topic, 2, 'a', 'b')
    const one = await join(port, options)
    await expect.poll(() => one.keys.length).toBe(2)
    const two = await join(await connect({ url: server.url }), options)
    await expect.poll(() => two.partitions().length).toBe(1)
    await write(topic, 2, 'c', 'd')
    await expect.poll(() => [...one.keys, ...two.keys].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('hands over nothing of a paused partition, also through a rebalance, and then everything once', async () => {
    const { topic, ...options } = await ground(2)
    const one = await join(port, options)
    const places = one.member.assignment()
    await expect.poll(() => one.partitions()).toEqual([0, 1])
    one.member.pause(places)
    await write(topic, 2, 'a', 'b')
    const two = await join(await connect({ url: server.url }), options)
    await expect.poll(() => two.keys.length).toBe(1)
    await two.member.close()
    await expect.poll(() => one.partitions()).toEqual([0, 1])
    one.member.resume(one.member.assignment())
    await expect.poll(() => [...one.keys, ...two.keys].sort()).toEqual(['a', 'b'])
  })

  test('of which a member leaves gives its partitions to the others soon, and takes it back', async () => {
    const { topic, ...options } = await ground(2)
    const one = await join(port, options)
    const two = await join(await connect({ url: server.url }), options)
    await expect.poll(() => one.partitions().length).toBe(1)
    const started = Date.now()
    await two.member.leave()
    expect(two.partitions()).toEqual([])
    await expect.poll(() => one.partitions().length).toBe(2)
    expect(Date.now() - started).toBeLessThan(1500)
    await write(topic, 2, 'a', 'b')
    await expect.poll(() => one.keys.length).toBe(2)
    await two.member.rejoin()
    await expect.poll(() => [one.partitions().length, two.partitions().length]).toEqual([1, 1])
    expect(two.calls).toEqual(['assigned 1', 'revoked 1', expect.stringMatching(/^assigned /)])
  })

  test('goes on without a member that stopped, after its session', async () => {
    const { topic, ...options } = await ground(2)
    const one = await join(port, options)
    const gone = await connect({ url: server.url })
    const two = await join(gone, options)
    await expect.poll(() => one.partitions().length).toBe(1)
    // Its connections are cut without a word.
    vanish(two)
    await expect.poll(() => one.partitions().length, { timeout: 10_000 }).toBe(2)
    await write(topic, 2, 'a', 'b')
    await expect.poll(() => one.keys.length).toBe(2)
  })

  test('flush resolves when what was noted is kept', async () => {
    const { topic, ...options } = await ground(1)
    await write(topic, 1, 'a', 'b')
    const one = await join(port, { ...options, commits: false })
    await expect.poll(() => one.keys.length).toBe(2)
    one.member.commit([{ topic, partition: 0, offset: 1 }])
    await one.member.flush()
    await one.member.close()
    const two = await join(port, options)
    await expect.poll(() => two.keys).toEqual(['b'])
  })

  test('of members with other topics gives none what it did not ask for', async () => {
    const first = await ground(2)
    const other = await newTopic(port, { partitions: 2 })
    const one = await join(port, first)
    const two = await join(await connect({ url: server.url }), { ...first, topics: [first.topic, other] })
    await expect.poll(() => two.partitions()).toHaveLength(3)
    expect(one.member.assignment().map(({ topic }) => topic)).toEqual([first.topic])
  })

  test('five times anew under load: nothing is left out', async () => {
    const { topic, ...options } = await ground(6)
    const stay = await join(port, options)
    const written: string[] = []
    const read = [stay.keys]
    for (let turn = 0; turn < 5; turn += 1) {
      const visitor = await join(await connect({ url: server.url }), options)
      read.push(visitor.keys)
      const keys = Array.from({ length: 600 }, (_, index) => `${turn}-${index}`)
      written.push(...keys)
      await write(topic, 6, ...keys)
      await pause(100)
      await visitor.member.close()
    }
    await expect.poll(() => new Set(read.flat()).size).toBe(written.length)
    const twice = read.flat().length - written.length
    print(`group: ${written.length} records through 10 rebalances, ${twice} read twice`)
  })
})

/** As a process that is killed: no word to the group. */
function vanish({ member }: Joined): void {
  Object.assign(member, { leave: () => Promise.resolve() })
  void member.close()
}
