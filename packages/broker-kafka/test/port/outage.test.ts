import { startBehindProxy } from '@ds/broker-testing'
import type { TestServer } from '@ds/broker-testing'
import { afterEach, describe, expect, test } from 'vitest'
import type { GroupMember, LogPort } from '../../src/port/log-port.ts'
import { atEnd, cleanUp, connect, newTopic, pause, record, start, whyNoSoak, print } from './ground.ts'

afterEach(cleanUp)

/** Longer than every timeout of the port, its session in a group among them. */
const AWAY = whyNoSoak === undefined ? 90_000 : 9000
if (whyNoSoak !== undefined) print(`The server is away for ${AWAY / 1000} s; with DS_TEST_SOAK=1 for 90 s`)

interface Work {
  readonly port: LogPort
  readonly topic: string
  readonly tailed: string[]
  readonly grouped: string[]
  /** Writes a record until it is confirmed, and waits until tail and group have read it. Resolves with the milliseconds. */
  goesOn(key: string): Promise<number>
}

/** A port that writes, follows and shares. */
async function work(url: string): Promise<Work> {
  const port = await connect({ url })
  const topic = await newTopic(port, { partitions: 2 })
  const [tailed, grouped] = [[] as string[], [] as string[]]
  const tail = await port.tail({
    topic,
    onBatch: ({ entries }) => void tailed.push(...entries.map(({ key }) => String(key))),
  })
  tail.setPartitions(new Map([0, 1].map((partition) => [partition, 'start' as const])))
  const member: GroupMember = await port.joinGroup({
    group: `${topic}.group`,
    topics: [topic],
    sessionTimeout: 6000,
    onBatch: ({ partition, position, entries }) => {
      grouped.push(...entries.map(({ key }) => String(key)))
      member?.commit([{ topic, partition, offset: position }])
    },
  })
  const goesOn = async (key: string): Promise<number> => {
    const started = Date.now()
    for (let done = false; !done;)
      done = await port.append([record(topic, key)]).then(
        () => true,
        () => false,
      )
    await expect.poll(() => [tailed.includes(key), grouped.includes(key)], { timeout: 60_000 }).toEqual([true, true])
    return Date.now() - started
  }
  await goesOn('before')
  return { port, topic, tailed, grouped, goesOn }
}

/** While the server is away: a write says so in its time, and so does everything that waits for it. */
async function saysSo({ port, topic }: Work): Promise<void> {
  const started = Date.now()
  const refused = port.append([record(topic, 'during')], { patience: 3000 })
  await expect(refused).rejects.toMatchObject({ code: 'BrokerUnavailable' })
  expect(Date.now() - started).toBeLessThan(4500)
  await pause(4000)
  for (const { name, lastAnswerAt = 0, problem } of port.loops()) {
    expect([name, Date.now() - lastAnswerAt > 3000, problem !== undefined]).toEqual([name, true, true])
  }
}

async function through(server: TestServer, leave: () => Promise<void>, comeBack: () => Promise<void>): Promise<void> {
  const working = await work(server.url)
  await leave()
  const left = Date.now()
  await saysSo(working)
  await pause(AWAY - (Date.now() - left))
  await comeBack()
  const took = await working.goesOn('after')
  print(`all went on ${took} ms after the return`)
  expect(took).toBeLessThan(15_000)
  expect(working.tailed.filter((key) => key === 'before')).toHaveLength(1)
}

describe('the same port goes on within 15 s', { timeout: 180_000 }, () => {
  test('after its server was stopped and started', async () => {
    const server = await start()
    await through(
      server,
      () => server.stop(),
      () => server.start(),
    )
  })

  test('after its server stood still with all connections open', async (context) => {
    context.skip(whyNoSoak !== undefined, whyNoSoak)
    const server = await start()
    await through(
      server,
      () => server.pause(),
      () => server.resume(),
    )
  })

  test('after every byte in both directions was lost, connections staying open', async (context) => {
    context.skip(whyNoSoak !== undefined, whyNoSoak)
    const proxied = await startBehindProxy('kafka', {})
    atEnd(() => proxied.close())
    const { proxy } = proxied
    const working = await work(proxied.url)
    proxy.blackHole()
    await saysSo(working)
    await proxy.heal()
    const took = await working.goesOn('after')
    print(`all went on ${took} ms after the black hole`)
    expect(took).toBeLessThan(15_000)
  })

  test('after connections were cut in the middle of an answer, again and again', async () => {
    const proxied = await startBehindProxy('kafka', {})
    atEnd(() => proxied.close())
    const { proxy } = proxied
    const working = await work(proxied.url)
    for (const [turn, bytes] of [3, 30, 61, 100, 7, 500].entries()) {
      const cut = proxy.cutAfter({ direction: 'toClient', bytes })
      const took = await working.goesOn(`cut ${turn}`)
      expect(took).toBeLessThan(15_000)
      await cut
    }
    expect(new Set(working.tailed).size).toBe(7)
  })
})
