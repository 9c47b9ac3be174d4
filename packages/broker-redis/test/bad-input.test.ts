import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { inspect } from 'node:util'
import { DsError } from '@ds/core'
import type { ErrorCode } from '@ds/core'
import { startRedisCluster } from '@ds/broker-testing'
import type { RedisOptions } from '@ds/broker-testing'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import type { RedisBrokerOptions } from '../src/index.ts'
import { topologyOf } from '../src/topology.ts'
import { atEnd, cleanUp, make, newTask, start } from './ground.ts'

afterEach(cleanUp)

/** The error of a connect that must fail, and how long it took. */
async function refusal(options: RedisBrokerOptions, timeout = 3000): Promise<{ error: DsError; took: number }> {
  const started = performance.now()
  const error: unknown = await make(options)
    .connect({ timeout })
    .then(
      () => 'it connected',
      (reason: unknown) => reason,
    )
  if (!DsError.is(error)) throw new Error(`expected an error of ours, got ${inspect(error)}`)
  return { error, took: performance.now() - started }
}

/** A server of some other kind. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  return portOf(server)
}

async function portOf(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

describe('a server that is not there', () => {
  test.each<[string, RedisBrokerOptions]>([
    ['no such host', { host: 'no-such-host.invalid' }],
    ['nobody at that port', { host: '127.0.0.1', port: 1 }],
  ])('%s: said in time, with the address', async (_name, options) => {
    const { error, took } = await refusal(options, 800)
    expect(error.code).toBe('BrokerUnavailable')
    expect(error.message).toContain(options.host)
    expect(took).toBeLessThan(2500)
  })

  test('one that accepts and says nothing is given up in time', async () => {
    const port = await listen(() => undefined)
    const { error, took } = await refusal({ port }, 800)
    expect(error.code).toBe('BrokerUnavailable')
    expect(error.message).toContain(`127.0.0.1:${port}`)
    expect(took).toBeLessThan(2500)
  })

  test('one that hangs up at once is given up in time', async () => {
    const port = await listen((socket) => socket.end())
    const { error, took } = await refusal({ port }, 800)
    expect(error.code).toBe('BrokerUnavailable')
    expect(took).toBeLessThan(2500)
  })

  test('a failed connect may be tried again', async () => {
    const server = await start({})
    await server.stop()
    const broker = make({ url: server.url })
    await expect(broker.connect({ timeout: 300 })).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    await server.start()
    await broker.connect({ timeout: 5000 })
    expect((await broker.health()).ok).toBe(true)
  })
})

describe('a server that is not Redis', () => {
  test('a web server is refused at once', async () => {
    const port = await portOf(createHttpServer((_request, response) => response.end('hello')))
    const { error, took } = await refusal({ port })
    expect(error.code).toBe('BrokerRefused')
    expect(error.message).toContain('does not speak the Redis protocol')
    expect(took).toBeLessThan(2000)
  })

  test('one that greets with bytes of its own is refused at once', async () => {
    const port = await listen((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'))
    const { error, took } = await refusal({ port })
    expect(error.code).toBe('BrokerRefused')
    expect(took).toBeLessThan(2000)
  })
})

describe('who may come in', () => {
  const secret = 'very-secret-77'

  test.each<[string, RedisBrokerOptions, ErrorCode]>([
    ['no password', {}, 'BrokerRefused'],
    ['a wrong password', { password: secret }, 'BrokerRefused'],
    ['an unknown user', { username: 'nobody', password: secret }, 'BrokerRefused'],
  ])('%s is refused at once, and no secret is shown', async (_name, options, code) => {
    const server = await start({ password: 'right-secret-88' })
    const { error, took } = await refusal({ port: server.port, ...options })
    expect(error.code).toBe(code)
    expect(took).toBeLessThan(2000)
    expect(inspect(error, { depth: 10 })).not.toContain(secret)
  })

  test('a user without the right to run scripts is refused, and the message says what it needs', async () => {
    const users = [{ name: 'reader', password: secret, rules: '~* &* +@all -@scripting' }]
    const server = await start({ users })
    const { error } = await refusal({ port: server.port, username: 'reader', password: secret })
    expect(error.code).toBe('BrokerRefused')
    expect(error.message).toContain('{ds:<namespace>}')
    expect(inspect(error, { depth: 10 })).not.toContain(secret)
  })

  test('a user for the keys of its namespace alone, who may not read the configuration, can work', async () => {
    const { prefix } = topologyOf('mine')
    const users = [{ name: 'worker', password: 'w', rules: `~${prefix}* &${prefix}* +@all -config -@admin` }]
    const server = await start({ users })
    const broker = make({ port: server.port, username: 'worker', password: 'w', namespace: 'mine' })
    await broker.connect({ timeout: 3000 })
    expect(await broker.submit([newTask()])).toEqual([{ ok: true, value: 'created' }])
    expect((await broker.health()).durability.summary).toContain('append-only file')
    expect((await refusal({ port: server.port, username: 'worker', password: 'w' })).error.code).toBe('BrokerRefused')
  })
})

describe('TLS', () => {
  test('with the authority of the server it connects; without it, it is refused with what to do', async () => {
    const server = await start({ tls: 'server' })
    const ca = server.certificates?.authority ?? ''
    const broker = make({ url: server.url, tls: { ca } })
    await broker.connect({ timeout: 3000 })
    expect((await broker.health()).ok).toBe(true)
    const { error } = await refusal({ url: server.url })
    expect(error.code).toBe('BrokerRefused')
    expect(error.message).toContain('certificate')
  })

  test('asked of a server without TLS it is refused or given up in time', async () => {
    const server = await start({})
    const { error } = await refusal({ url: server.url.replace('redis:', 'rediss:') }, 1500)
    expect(['BrokerRefused', 'BrokerUnavailable']).toContain(error.code)
  })
})

describe('a server that cannot serve', () => {
  // It loads 20,000 keys at 0.2 ms each, and answers after every thousand.
  test('one that loads is waited for; when the time is up, that is what is said', { timeout: 30_000 }, async () => {
    const slow = { 'key-load-delay': '200' }
    const server = await start({ settings: slow })
    const client = new Redis(server.url)
    const pipeline = client.pipeline()
    for (let key = 0; key < 20_000; key += 1) pipeline.set(`key-${key}`, 'x')
    await pipeline.exec()
    client.disconnect()
    await server.stop()
    const restarted = server.start()
    // Its port opens a moment after its process has begun.
    let error: DsError
    do error = (await refusal({ url: server.url }, 1000)).error
    while (error.message.includes('ECONNREFUSED'))
    expect(error.code).toBe('BrokerUnavailable')
    expect(error.message).toContain('is still loading its data')
    await make({ url: server.url }).connect({ timeout: 20_000 })
    await restarted
  })

  test('a read-only replica is refused with the name of its master', async () => {
    const master = await start({})
    const replica = await start({ replicaOf: master })
    const { error } = await refusal({ url: replica.url })
    expect(error.code).toBe('BrokerMisconfigured')
    expect(error.message).toContain(`${master.host}:${master.port}`)
  })

  test(
    'one node of a cluster, reached as a single server, is refused with what to do',
    { timeout: 60_000 },
    async () => {
      const cluster = await startRedisCluster({})
      atEnd(() => cluster.close())
      const { error } = await refusal({ url: cluster.members[0]?.url ?? '' })
      expect(error.code).toBe('BrokerMisconfigured')
      expect(error.message).toContain('?cluster=true')
    },
  )

  test('keys of another program under our names are said', async () => {
    const server = await start({})
    const broker = make({ url: server.url, namespace: 'taken' })
    await broker.connect({ timeout: 3000 })
    const client = new Redis(server.url)
    await client.set(topologyOf('taken').queue('default'), 'not a stream')
    client.disconnect()
    await expect(broker.submit([newTask()])).rejects.toMatchObject({ code: 'BrokerMisconfigured' })
  })
})

describe('what the settings make of durable', () => {
  test.each<[string, { options: RedisOptions; level: 'weak' | 'strong'; word: string }]>([
    ['appendfsync always', { options: { appendFsync: 'always' }, level: 'strong', word: 'always' }],
    ['appendfsync everysec', { options: { appendFsync: 'everysec' }, level: 'strong', word: 'everysec' }],
    ['no append-only file', { options: { appendOnly: false }, level: 'weak', word: 'appendonly yes' }],
    [
      'an evicting policy',
      { options: { maxMemory: '64mb', maxMemoryPolicy: 'allkeys-lru' }, level: 'weak', word: 'noeviction' },
    ],
  ])('%s', async (_name, { options, level, word }) => {
    const server = await start(options)
    const broker = make({ url: server.url })
    await broker.connect({ timeout: 3000 })
    const { durability } = await broker.health()
    expect(durability.level).toBe(level)
    expect(`${durability.summary} ${durability.advice ?? ''}`).toContain(word)
    if (level === 'strong') return
    const { error } = await refusal({ url: server.url, requireDurable: true })
    expect(error.code).toBe('BrokerMisconfigured')
    expect(error.message).toContain(word)
  })
})
