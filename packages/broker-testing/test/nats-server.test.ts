import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { findProgram } from '../src/servers/run-command.ts'
import { describe, expect, test } from 'vitest'
import { ServerStartError, ServerUnavailableError } from '../src/servers/errors.ts'
import { startNatsCluster } from '../src/servers/nats/cluster.ts'
import { startNats } from '../src/servers/nats/server.ts'
import { whyNoServer } from '../src/servers/start.ts'
import { openNats } from './servers/clients.ts'
import { describeServer, installTimeoutMs, requireServer } from './servers/server-cases.ts'

requireServer('nats')
describeServer('nats', openNats)

describe('the options of a NATS server', () => {
  test('users, largest message and further settings', async () => {
    const users = [
      { name: 'all', password: 'a/b' },
      { name: 'other', password: 'o' },
    ]
    await using server = await startNats({ users, maxPayload: 2048, settings: 'max_connections: 3' })
    expect(server.url).toBe(`nats://all:a%2Fb@127.0.0.1:${server.port}`)
    const servers = `127.0.0.1:${server.port}`
    const connection = await connect({ servers, user: 'other', pass: 'o' })
    expect(connection.info).toMatchObject({ max_payload: 2048, jetstream: true, auth_required: true })
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i)
    await connection.close()
  })

  test('a token, and no streams', async () => {
    await using server = await startNats({ token: 't', jetStream: false })
    const connection = await connect({ servers: `127.0.0.1:${server.port}`, token: 't' })
    expect(connection.info?.jetstream).not.toBe(true)
    await connection.close()
  })

  test('TLS, with a certificate of the client where it is asked for', async () => {
    await using server = await startNats({ tls: 'mutual' })
    const { authority, client } = server.certificates ?? expect.unreachable('no certificates')
    const session = await openNats(server.url, { tls: { ca: authority, cert: client.certificate, key: client.key } })
    await session.write('in secret')
    expect(await session.read()).toEqual(['in secret'])
    const stranger = connect({ servers: `127.0.0.1:${server.port}`, tls: { ca: authority }, reconnect: false })
    await expect(stranger).rejects.toThrow()
    await session.close()
  })

  test.for(['debian', 'latest'] as const)(
    'the version: %s',
    { timeout: installTimeoutMs },
    async (version, context) => {
      // Only Go can build the latest one, and a bare machine has no Go; the Debian package is the one that must be there.
      context.skip(
        version === 'latest' && !findProgram('go'),
        'Go is not installed, and only Go builds nats-server latest',
      )
      const reason = await whyNoServer('nats', { version })
      context.skip(reason !== undefined, reason)
      await using server = await startNats({ version })
      const session = await openNats(server.url)
      await session.write('any version')
      expect(await session.read()).toEqual(['any version'])
      await session.close()
    },
  )

  test('that NATS does not understand are told with what it says about them', async () => {
    const failure = await startNats({ settings: 'no_such_setting: 1' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ServerStartError)
    expect(String(failure)).toMatch(/nats server .* does not run[^]*no_such_setting/)
  })

  test('a program that is not there is told', async () => {
    await expect(startNats({ executable: '/nowhere/nats-server' })).rejects.toThrow(ServerUnavailableError)
  })
})

describe('a NATS cluster', () => {
  test('keeps a stream with three replicas, also when a member is killed', async () => {
    await using cluster = await startNatsCluster()
    const servers = cluster.members.map(({ host, port }) => `${host}:${port}`)
    const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name: 'values', subjects: ['values'], num_replicas: 3 })
    await jetstream(connection).publish('values', 'one')
    const [first] = cluster.members
    await first?.kill()
    await jetstream(connection).publish('values', 'two', { retries: 20 })
    await first?.start()
    await cluster.waitUntilReady()
    const { state, cluster: replicas } = await manager.streams.info('values')
    expect([state.messages, replicas?.replicas?.length]).toEqual([2, 2])
    await connection.close()
  })
})
