import { startRedisCluster, startRedisSentinels } from '@ds/broker-testing'
import { Cluster, Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterEach, describe, expect, test } from 'vitest'
import type { RedisBroker, RedisClient } from '../src/index.ts'
import { atEnd, cleanUp, connect, newTask, openConsumer, soon, start } from './ground.ts'

afterEach(cleanUp)

/** Submits a task, claims one, settles it, and reads its result. */
async function roundTrip(broker: RedisBroker): Promise<string | undefined> {
  const consumer = await openConsumer(broker)
  await broker.submit([newTask()])
  const [delivery] = await consumer.receive(1, soon())
  if (!delivery) throw new Error('nothing was received')
  await consumer.settle([{ lease: delivery.lease, outcome: { type: 'done', result: '"well"' } }])
  await consumer.close()
  return broker.result(delivery.task.id)
}

describe('a client that was made before', () => {
  test('is a model: the broker opens connections like it, and leaves it alone', async () => {
    const server = await start({ password: 'secret' })
    const model = new Redis({ port: server.port, password: 'secret', db: 3, keyPrefix: 'other:', lazyConnect: true })
    const broker = await connect({ client: model })
    expect(await roundTrip(broker)).toBe('"well"')
    await broker.close()
    expect(model.status).toBe('wait')
    expect(await model.dbsize()).toBeGreaterThan(0)
    model.disconnect()
  })

  test('may be one of ioredis 5', async () => {
    const server = await start()
    const model = new Redis5(server.url, { lazyConnect: true })
    const broker = await connect({ client: model as unknown as RedisClient })
    expect(broker.client).toBeInstanceOf(Redis5)
    expect(await roundTrip(broker)).toBe('"well"')
    model.disconnect()
  })

  test('may ask for shapes of RESP3', async () => {
    const server = await start()
    const model = new Redis(server.url, { lazyConnect: true, protocol: 3, replyMapping: 'resp3', stringNumbers: true })
    const broker = await connect({ client: model })
    const received = broker.subscribe({}, { signal: soon() })
    expect(await roundTrip(broker)).toBe('"well"')
    for await (const item of await received) if (item.type === 'ResultEvent') break
    model.disconnect()
  })
})

describe('a cluster', () => {
  test('is reached by one URL, or by a client', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster({})
    atEnd(() => cluster.close())
    const [first] = cluster.members
    if (!first) throw new Error('a cluster without members')
    const byUrl = await connect({ url: `${first.url}?cluster=true`, namespace: 'one' })
    expect(await roundTrip(byUrl)).toBe('"well"')
    const model = new Cluster([{ host: first.host, port: first.port }], { lazyConnect: true })
    atEnd(() => model.disconnect())
    const byClient = await connect({ client: model, namespace: 'two' })
    expect(await roundTrip(byClient)).toBe('"well"')
  })

  test('goes on after its members were restarted', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster({})
    atEnd(() => cluster.close())
    const broker = await connect({ url: `${cluster.members[0]?.url}?cluster=true` })
    expect(await roundTrip(broker)).toBe('"well"')
    await cluster.restart()
    await expect.poll(() => roundTrip(broker).catch(() => undefined), { timeout: 20_000, interval: 200 }).toBe('"well"')
  })
})

describe('replicas', () => {
  test('that are asked for confirm what was written', { timeout: 30_000 }, async () => {
    const master = await start()
    await start({ replicaOf: master })
    const broker = await connect({ url: master.url, wait: { replicas: 1, timeout: 2000 } })
    await expect.poll(() => roundTrip(broker).catch(() => undefined), { timeout: 20_000 }).toBe('"well"')
  })

  test('that do not confirm in time make the call reject; sent again, it is answered as before', async () => {
    const server = await start()
    const careful = await connect({ url: server.url, wait: { replicas: 1, timeout: 100 } })
    const task = newTask()
    await expect(careful.submit([task])).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    await expect(careful.submit([task])).rejects.toThrow('Only 0 of 1 replicas')
    const broker = await connect({ url: server.url })
    expect(await broker.submit([task])).toEqual([{ ok: true, value: 'created' }])
    expect((await broker.counts()).QUEUED).toBe(1)
  })
})

describe('sentinels', () => {
  test('lead to the new master after a failover, in the same process', { timeout: 90_000 }, async () => {
    const { name, primary, sentinels, close } = await startRedisSentinels({})
    atEnd(close)
    const addresses = sentinels.members.map(({ host, port }) => ({ host, port }))
    const model = new Redis({ sentinels: addresses, name, lazyConnect: true })
    atEnd(() => model.disconnect())
    const broker = await connect({ client: model, wait: { replicas: 1, timeout: 2000 } })
    await expect.poll(() => roundTrip(broker).catch(() => undefined), { timeout: 20_000 }).toBe('"well"')
    const kept = newTask()
    await broker.submit([kept])
    await broker.close()

    const later = await connect({ client: model })
    await primary.kill()
    await expect.poll(() => roundTrip(later).catch(() => undefined), { timeout: 40_000, interval: 300 }).toBe('"well"')
    expect((await later.get([kept.id]))[0]?.incarnation).toBe(kept.incarnation)
  })
})
