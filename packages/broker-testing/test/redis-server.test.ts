import { Cluster, Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { waitUntil } from '../src/faults/waiting.ts'
import { ServerStartError, ServerUnavailableError } from '../src/servers/errors.ts'
import { startRedisCluster } from '../src/servers/redis/cluster.ts'
import { startRedisSentinels } from '../src/servers/redis/sentinel.ts'
import { startRedis } from '../src/servers/redis/server.ts'
import { openRedis } from './servers/clients.ts'
import { describeServer, requireServer } from './servers/server-cases.ts'

requireServer('redis')
describeServer('redis', openRedis)

describe('the options of a Redis server', () => {
  test('password, users, memory and further settings', async () => {
    await using server = await startRedis({
      password: 'se:cr/et',
      users: [{ name: 'reader', password: 'r', rules: '~* +get' }],
      maxMemory: '64mb',
      maxMemoryPolicy: 'allkeys-lru',
      appendFsync: 'everysec',
      settings: { 'slowlog-max-len': '7' },
    })
    const client = new Redis(server.url)
    const settings = ['maxmemory', 'maxmemory-policy', 'appendfsync', 'appendonly', 'slowlog-max-len']
    const values = await Promise.all(settings.map((name) => client.call('CONFIG', 'GET', name)))
    const expected = [String(64 * 1024 * 1024), 'allkeys-lru', 'everysec', 'yes', '7']
    expect(values).toEqual(expected.map((value, index) => [settings[index], value]))
    const quiet = { port: server.port, enableReadyCheck: false, lazyConnect: true }
    const reader = new Redis({ ...quiet, username: 'reader', password: 'r' })
    await expect(reader.set('key', 'value')).rejects.toThrow('NOPERM')
    const nobody = new Redis(quiet)
    nobody.on('error', () => undefined)
    await expect(nobody.get('key')).rejects.toThrow('NOAUTH')
    for (const each of [client, reader, nobody]) each.disconnect()
  })

  test('TLS, with a certificate of the client where it is asked for', async () => {
    await using server = await startRedis({ tls: 'mutual' })
    expect(server.url).toBe(`rediss://127.0.0.1:${server.port}`)
    const { authority, client } = server.certificates ?? expect.unreachable('no certificates')
    const tls = { ca: authority, cert: client.certificate, key: client.key }
    const session = await openRedis(server.url, { tls })
    await session.write('in secret')
    expect(await session.read()).toEqual(['in secret'])
    const stranger = new Redis(server.url, { tls: { ca: authority }, retryStrategy: () => null, lazyConnect: true })
    stranger.on('error', () => undefined)
    await expect(stranger.ping()).rejects.toThrow()
    await session.close()
  })

  test('a replica of another server', async () => {
    await using primary = await startRedis({ password: 'p' })
    await using replica = await startRedis({ password: 'p', replicaOf: primary })
    const [writer, reader] = [new Redis(primary.url), new Redis(replica.url)]
    await writer.set('key', 'value')
    await waitUntil(async () => (await reader.get('key')) === 'value', { what: 'the copy', timeoutMs: 10_000 })
    await expect(reader.set('key', 'other')).rejects.toThrow('READONLY')
    for (const each of [writer, reader]) each.disconnect()
  })

  test('that Redis does not understand are told with what it says about them', async () => {
    const failure = await startRedis({ settings: { 'no-such-directive': '1' } }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ServerStartError)
    expect(String(failure)).toMatch(/redis server .* does not run[^]*no-such-directive/)
  })

  test('a program that is not there is told', async () => {
    await expect(startRedis({ executable: '/nowhere/redis-server' })).rejects.toThrow(ServerUnavailableError)
  })
})

describe('a Redis cluster', () => {
  test('serves all slots from three masters, also after one of them was killed', async () => {
    await using cluster = await startRedisCluster()
    const client = new Cluster(cluster.members.map(({ host, port }) => ({ host, port })))
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => client.set(key, key)))
    const [, second] = cluster.members
    await second?.kill()
    await second?.start()
    await cluster.waitUntilReady()
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys)
    client.disconnect()
  })
})

describe('Redis behind sentinels', () => {
  test('has a new primary when the old one was killed', async () => {
    await using redis = await startRedisSentinels()
    const sentinels = redis.sentinels.members.map(({ host, port }) => ({ host, port }))
    const client = new Redis({ sentinels, name: redis.name, sentinelRetryStrategy: () => 100 })
    client.on('error', () => undefined)
    await client.set('key', 'value')
    await client.wait(1, 5_000)
    await redis.primary.kill()
    await waitUntil(async () => (await client.info('server')).includes(`tcp_port:${redis.replica.port}`), {
      what: 'the replica to be promoted',
      timeoutMs: 25_000,
    })
    expect(await client.get('key')).toBe('value')
    client.disconnect()
  })
})
