import { inspect } from 'node:util'
import { DsError } from '@ds/core'
import { startKafka } from '@ds/broker-testing'
import type { KafkaOptions, TestServer } from '@ds/broker-testing'
import { afterEach, describe, expect, test } from 'vitest'
import { createKafkaBroker } from '../src/index.ts'
import type { KafkaBroker, KafkaBrokerOptions } from '../src/index.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(options: KafkaOptions = {}): Promise<TestServer> {
  const server = await startKafka({ ownProcess: true, ...options })
  ends.push(() => server.close())
  return server
}

function make(options: KafkaBrokerOptions): KafkaBroker {
  const broker = createKafkaBroker(options)
  ends.push(() => broker.close())
  return broker
}

/** The error of a connect that must fail, and how long it took. */
async function refusal(options: KafkaBrokerOptions, timeout = 5000): Promise<{ error: DsError; took: number }> {
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

describe('a broker that cannot work says so when it connects', () => {
  test('nobody at the address', async () => {
    const { error, took } = await refusal({ url: 'kafka://user:swordfish@127.0.0.1:1' }, 800)
    expect(error.code).toBe('BrokerUnavailable')
    expect(error.message).toContain('kafka://127.0.0.1:1')
    expect(inspect(error, { depth: 5 })).not.toContain('swordfish')
    expect(took).toBeLessThan(2500)
  })

  test('topics with another number of partitions, more replicas than servers', { timeout: 60_000 }, async () => {
    const { url } = await start()
    await make({ url, partitions: 4 }).connect({ timeout: 10_000 })

    const partitions = await refusal({ url, partitions: 8 })
    expect(partitions.error.code).toBe('BrokerMisconfigured')
    expect(partitions.error.message).toMatch(/4 partitions in ds\.default\.state, and 8 are asked for/)
    expect(partitions.took).toBeLessThan(3000)

    const replicas = await refusal({ url, namespace: 'other', replicationFactor: 3 })
    expect(replicas.error.code).toBe('BrokerMisconfigured')
    expect(replicas.error.message).toContain('replicationFactor')
    expect(replicas.took).toBeLessThan(3000)
  })

  test('a wrong password, and a user without permission', { timeout: 60_000 }, async () => {
    const users = ['admin', 'guest'].map((name) => ({ name, password: `${name}-secret` }))
    const { host, port } = await start({
      sasl: { mechanism: 'SCRAM-SHA-256', users },
      settings: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:admin',
      },
    })
    const address = `${host}:${port}?mechanism=scram-sha-256`
    await make({ url: `kafka://admin:admin-secret@${address}` }).connect({ timeout: 10_000 })

    const wrong = await refusal({ url: `kafka://admin:guess@${address}` })
    expect(wrong.error.code).toBe('BrokerRefused')
    expect(wrong.took).toBeLessThan(3000)

    for (const namespace of ['default', 'forbidden']) {
      const guest = await refusal({ url: `kafka://guest:guest-secret@${address}`, namespace })
      expect(guest.error.code).toBe('BrokerRefused')
      expect(guest.error.message).toContain('Allow it')
      expect(guest.took).toBeLessThan(3000)
    }
  })
})
