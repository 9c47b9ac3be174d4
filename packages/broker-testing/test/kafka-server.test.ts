import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { ServerStartError } from '../src/servers/errors.ts'
import { startKafkaCluster } from '../src/servers/kafka/cluster.ts'
import { startKafka } from '../src/servers/kafka/server.ts'
import { openKafka } from './servers/clients.ts'
import { describeServer, requireServer } from './servers/server-cases.ts'

requireServer('kafka')
describeServer('kafka', openKafka)

describe('the options of a Kafka broker', () => {
  test('passwords over TLS, with a certificate of the client where it is asked for', async () => {
    const users = [{ name: 'anna', password: 'p' }]
    await using server = await startKafka({ tls: 'mutual', sasl: { mechanism: 'SCRAM-SHA-256', users } })
    expect(server.url).toBe(`kafka://anna:p@127.0.0.1:${server.port}`)
    const { authority, client } = server.certificates ?? expect.unreachable('no certificates')
    // kafkajs keeps the credentials in the object that it is given, so each client gets an object of its own.
    const sasl = (password: string) => ({ mechanism: 'scram-sha-256', username: 'anna', password }) as const
    const ssl = { ca: authority, cert: client.certificate, key: client.key }
    const session = await openKafka(server.url, { ssl, sasl: sasl('p') })
    await session.write('in secret')
    expect(await session.read()).toEqual(['in secret'])
    await session.close()
    const options = { ssl, sasl: sasl('wrong'), retry: { retries: 0 } }
    await expect(openKafka(server.url, options)).rejects.toThrow(/authentication/i)
  })

  test('plain passwords, and further settings', async () => {
    const users = [
      { name: 'anna', password: 'p' },
      { name: 'otto', password: 'o' },
    ]
    const settings = { 'message.max.bytes': '12345' }
    await using server = await startKafka({ sasl: { mechanism: 'PLAIN', users }, settings })
    expect(server.configuration).toContain('message.max.bytes=12345')
    const session = await openKafka(server.url, { sasl: { mechanism: 'plain', username: 'otto', password: 'o' } })
    await session.write('small')
    await expect(session.write('x'.repeat(20_000))).rejects.toThrow(/larger than/)
    await session.close()
  })

  test('another version', async () => {
    await using server = await startKafka({ version: '3.9.2' })
    expect(server.version).toBe('3.9.2')
    const session = await openKafka(server.url)
    await session.write('old')
    expect(await session.read()).toEqual(['old'])
    await session.close()
  })

  test('that Kafka does not understand are told with what it says about them', async () => {
    const failure = await startKafka({ settings: { 'num.io.threads': 'many' } }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ServerStartError)
    expect(String(failure)).toMatch(/kafka server .* could not be prepared[^]*num\.io\.threads/)
  })
})

describe('a Kafka cluster', () => {
  test('keeps a topic with three replicas, also when a member is killed', async () => {
    await using cluster = await startKafkaCluster()
    const brokers = cluster.members.map(({ host, port }) => `${host}:${port}`)
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 50 } })
    const [admin, producer] = [kafka.admin(), kafka.producer()]
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic: 'values', numPartitions: 3, replicationFactor: 3 }] })
    const sendToAll = async (value: string): Promise<void> => {
      const messages = [0, 1, 2].map((partition) => ({ value, partition }))
      await producer.send({ topic: 'values', acks: -1, messages })
    }
    await sendToAll('before')
    await cluster.members[0]?.kill()
    await sendToAll('meanwhile')
    await cluster.members[0]?.start()
    await cluster.waitUntilReady()
    const ends = await admin.fetchTopicOffsets('values')
    expect(ends.map(({ high }) => Number(high) >= 2)).toEqual([true, true, true])
    await Promise.all([producer.disconnect(), admin.disconnect()])
  })
})
