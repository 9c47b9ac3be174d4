import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { inspect } from 'node:util'
import { DsError } from '@ds/core'
import type { KafkaSaslMechanism, TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { KafkaBrokerOptions, SaslMechanism } from '../../src/options.ts'
import type { LogPort } from '../../src/port/log-port.ts'
import {
  atEnd,
  bareClient,
  cleanUp,
  cleanUpAll,
  connect,
  lastingServer,
  make,
  newTopic,
  record,
  start,
  whyNoSoak,
} from './ground.ts'

let plain: TestServer
beforeAll(async () => void (plain = await lastingServer()))
afterEach(cleanUp)
afterAll(cleanUpAll)

const PATIENCE = 1500

/** The error of something that must fail, and how long it took. */
async function refusal(work: Promise<unknown>): Promise<{ error: DsError; took: number }> {
  const started = performance.now()
  const error: unknown = await work.then(
    () => 'it worked',
    (reason: unknown) => reason,
  )
  if (!DsError.is(error)) throw new Error(`expected an error of ours, got ${inspect(error)}`)
  return { error, took: performance.now() - started }
}

function refused(options: KafkaBrokerOptions): Promise<{ error: DsError; took: number }> {
  return refusal(make(options, { connectPatience: PATIENCE }).connect())
}

/** A server of some other kind. */
async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `kafka://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function addressOf({ host, port }: TestServer): string {
  return `${host}:${port}`
}

async function proves(port: LogPort): Promise<void> {
  const topic = await newTopic(port)
  await expect(port.append([record(topic, 'a')])).resolves.toHaveLength(1)
}

describe('a server that is not there', () => {
  test.each([
    ['no such host', { brokers: 'no-such-host.invalid:9092' }],
    ['nobody at that port', { brokers: '127.0.0.1:1' }],
    ['nobody at any of them', { brokers: ['127.0.0.1:1', '127.0.0.1:2'] }],
  ])('%s: said in time, with the address', async (_name, options) => {
    const { error, took } = await refused(options)
    expect(error.code).toBe('BrokerUnavailable')
    expect(error.message).toContain(String(options.brokers).split(':')[0])
    expect(error.fix).toBeTruthy()
    expect(took).toBeLessThan(PATIENCE + 3500)
  })

  test.each([
    ['that accepts and says nothing', () => undefined],
    ['that hangs up at once', (socket: Socket) => void socket.end()],
    ['that speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('something %s is given up in time', async (_name, onSocket) => {
    const { error, took } = await refused({ url: await listen(onSocket) })
    expect(error.code).toBe('BrokerUnavailable')
    expect(took).toBeLessThan(PATIENCE + 4500)
  })

  test('one of several suffices', async () => {
    const port = make({ brokers: ['127.0.0.1:1', '127.0.0.1:2', addressOf(plain)] })
    await port.connect()
    await proves(port)
  })

  test('a failed connect may be tried again', async () => {
    const server = await start()
    await server.stop()
    const port = make({ url: server.url }, { connectPatience: 300 })
    await expect(port.connect()).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    await server.start()
    await port.connect()
    await proves(port)
  })
})

describe.each([
  ['PLAIN', 'plain', 'scram-sha-256'],
  ['SCRAM-SHA-256', 'scram-sha-256', 'plain'],
  ['SCRAM-SHA-512', 'scram-sha-512', 'scram-sha-256'],
] as const)('a server that asks for log in by %s', (offered: KafkaSaslMechanism, mechanism: SaslMechanism, other) => {
  test('lets in who knows the password, and nobody else', { timeout: 60_000 }, async (context) => {
    context.skip(offered === 'SCRAM-SHA-512' && whyNoSoak !== undefined, whyNoSoak)
    const users = [{ name: 'somebody', password: 'swordfish-42' }]
    const server = await start({ sasl: { mechanism: offered, users } })
    await proves(await connect({ url: `${server.url}?mechanism=${mechanism}` }))
    const brokers = addressOf(server)

    const wrong = await refused({ brokers, username: 'somebody', password: 'wrong-secret', mechanism })
    expect(wrong.error.code).toBe('BrokerRefused')
    expect(wrong.error.message).toContain('user or password')
    expect(inspect(wrong.error, { depth: 5 })).not.toContain('wrong-secret')
    expect(wrong.took).toBeLessThan(PATIENCE)

    const unknown = await refused({ brokers, username: 'nobody', password: 'swordfish-42', mechanism })
    expect(unknown.error.code).toBe('BrokerRefused')

    const another = await refused({ brokers, username: 'somebody', password: 'swordfish-42', mechanism: other })
    expect(another.error.code).toBe('BrokerRefused')
    expect(another.error.message).toContain('mechanism')

    const silent = await refused({ brokers })
    expect(silent.error.code).toBe('BrokerUnavailable')
    expect(silent.error.message).toContain('a user and password')
  })
})

describe('a server that speaks TLS', () => {
  test('is reached by who trusts its authority', async () => {
    const server = await start({ tls: 'server' })
    const ca = server.certificates?.authority ?? ''
    const brokers = addressOf(server)
    await proves(await connect({ brokers, tls: { ca } }))

    const untrusted = await refused({ url: `kafkas://${brokers}` })
    expect(untrusted.error.code).toBe('BrokerRefused')
    expect(untrusted.error.message).toContain('tls: { ca }')

    const plain = await refused({ url: `kafka://${brokers}` })
    expect(plain.error.code).toBe('BrokerUnavailable')
  })

  test('and asks for a certificate is reached by who has one', async (context) => {
    context.skip(whyNoSoak !== undefined, whyNoSoak)
    const server = await start({ tls: 'mutual' })
    const { authority = '', client } = server.certificates ?? {}
    const brokers = addressOf(server)
    await proves(await connect({ brokers, tls: { ca: authority, cert: client?.certificate, key: client?.key } }))

    const { error } = await refused({ brokers, tls: { ca: authority } })
    expect(['BrokerRefused', 'BrokerUnavailable']).toContain(error.code)
    expect(error.fix).toBeTruthy()
  })

  test('is not one that does not: said at once', async () => {
    const { error } = await refused({ url: `kafkas://${addressOf(plain)}` })
    expect(['BrokerRefused', 'BrokerUnavailable']).toContain(error.code)
  })
})

describe('a user without permission', () => {
  test('hears what is missing, and nothing is tried for ever', { timeout: 60_000 }, async () => {
    const users = ['admin', 'guest'].map((name) => ({ name, password: `${name}-secret` }))
    const server = await start({
      sasl: { mechanism: 'PLAIN', users },
      settings: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:admin',
      },
    })
    const admin = await connect({ url: server.url })
    const topic = await newTopic(admin)
    const guest = await connect({ brokers: addressOf(server), username: 'guest', password: 'guest-secret' })

    const creating = await refusal(guest.ensureTopics([{ topic: 'ds.forbidden', partitions: 1 }]))
    expect(creating.error.code).toBe('BrokerRefused')
    expect(creating.error.message).toContain('Allow it')

    const writing = await refusal(guest.append([record(topic, 'x')]))
    expect(writing.error.code).toBe('BrokerRefused')
    expect(writing.took).toBeLessThan(3000)

    const joining = await refusal(guest.joinGroup({ group: 'ds.g', topics: [topic], onBatch: () => undefined }))
    expect(joining.error.code).toBe('BrokerRefused')

    const told: Error[] = []
    const tail = await guest.tail({ topic, onBatch: () => undefined, onError: (error) => void told.push(error) })
    tail.setPartitions(new Map([[0, 'start']]))
    await expect.poll(() => told.length).toBeGreaterThan(0)
    expect(told[0]).toMatchObject({ code: 'BrokerRefused' })
  })
})

describe('a client that is ready', () => {
  test('serves as the model, and stays as it was', async () => {
    const client = bareClient(plain)
    const port = await connect({ client })
    await proves(port)
    await port.close()
    const admin = client.admin()
    await admin.connect()
    expect(await admin.listTopics()).toContainEqual(expect.stringMatching(/^ds\.test-/))
    await admin.disconnect()
  })
})
