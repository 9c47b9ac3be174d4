import { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION, DsError } from '@ds/core'
import { Kafka, logLevel } from 'kafkajs'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { resolveOptions } from './options.ts'
import type { KafkaBrokerOptions } from './options.ts'

/** The error that options must be refused with at once. */
function refusal(options: unknown): DsError {
  try {
    resolveOptions(options as KafkaBrokerOptions)
  } catch (error) {
    if (DsError.is(error)) return error
    throw error
  }
  throw new Error(`accepted: ${inspect(options)}`)
}

describe('without options', () => {
  test('it is the server of this machine, with the defaults of core', () => {
    const { connection, ...rest } = resolveOptions({})
    expect(connection).toMatchObject({ address: 'kafka://127.0.0.1:9092', seeds: [{ host: '127.0.0.1', port: 9092 }] })
    expect(rest).toEqual({
      namespace: 'default',
      partitions: 16,
      replicationFactor: undefined,
      minInSyncReplicas: undefined,
      maxPayload: DEFAULT_MAX_PAYLOAD,
      requireDurable: false,
      retention: DEFAULT_RETENTION,
    })
  })
})

describe('a URL', () => {
  test('names several servers, the port where it is not the usual one', () => {
    const { connection } = resolveOptions({ url: 'kafka://one:9093,two,[::1]:9094' })
    expect(connection.seeds).toEqual([
      { host: 'one', port: 9093 },
      { host: 'two', port: 9092 },
      { host: '::1', port: 9094 },
    ])
    expect(connection.address).toBe('kafka://one:9093,two:9092,[::1]:9094')
  })

  test('carries user and password, which the address for people leaves out', () => {
    const { connection } = resolveOptions({ url: 'kafkas://us%40er:p%3A%2Css@host?mechanism=scram-sha-512' })
    expect(connection.address).toBe('kafkas://host:9092')
  })

  test('carries the settings that topics are created with', () => {
    const url =
      'kafka://host?namespace=docs&partitions=4&replicationFactor=3&minInSyncReplicas=2&maxPayload=1000&requireDurable=true'
    expect(resolveOptions({ url })).toMatchObject({
      namespace: 'docs',
      partitions: 4,
      replicationFactor: 3,
      minInSyncReplicas: 2,
      maxPayload: 1000,
      requireDurable: true,
      connection: { replicationFactor: 3 },
    })
  })

  test('wins over the single options', () => {
    const { connection, namespace } = resolveOptions({ url: 'kafka://one?namespace=a', brokers: 'two', namespace: 'b' })
    expect([connection.address, namespace]).toEqual(['kafka://one:9092', 'a'])
  })

  test.each([
    ['http://host:9092', 'begin with http:'],
    ['host:9092', 'cannot be read'],
    ['kafka://host:99999', 'address'],
    ['kafka://host:port', 'address'],
    ['kafka://ho st', 'address'],
    ['kafka://us%er:x@host', 'user or password'],
    ['kafka://host?partition=3', 'no parameter "partition"'],
    ['kafka://host?partitions=many', 'partitions'],
    ['kafka://host?requireDurable=yes', 'requireDurable'],
    ['kafka://user:secret@host?mechanism=gssapi', 'mechanism'],
  ])('%s is refused at once', (url, words) => {
    const error = refusal({ url })
    expect(error.code).toBe('ConfigInvalid')
    expect(error.message).toContain(words)
    expect(error.fix).toBeTruthy()
  })
})

describe('options', () => {
  test.each([
    [{ brokers: [] }],
    [{ brokers: [9092] }],
    [{ brokers: 'a b' }],
    [{ partitions: 0 }],
    [{ partitions: 1.5 }],
    [{ partitions: 5000 }],
    [{ replicationFactor: 0 }],
    [{ replicationFactor: 2, minInSyncReplicas: 3 }],
    [{ maxPayload: -1 }],
    [{ namespace: 'Not A Label' }],
    [{ requireDurable: 'yes' }],
    [{ retention: { age: -1 } }],
    [{ tls: 'on' }],
    [{ username: 'somebody' }],
    [{ password: 'secret' }],
    [{ username: 'somebody', password: 'secret', mechanism: 'md5' }],
    [{ client: {} }],
    [{ client: 'kafka' }],
  ])('%o are refused at once', (options) => {
    const error = refusal(options)
    expect(error.code).toBe('ConfigInvalid')
    expect(error.fix).toBeTruthy()
    expect(inspect(error)).not.toContain('secret')
  })

  test('a number of tasks to keep is refused with the alternative', () => {
    const error = refusal({ retention: { count: 10 } })
    expect(error.code).toBe('NotSupported')
    expect(error.message).toContain('retention.age')
  })

  test('a client that is ready is taken as it is', () => {
    const client = new Kafka({ brokers: ['one:9092'], logLevel: logLevel.NOTHING })
    expect(resolveOptions({ client }).connection.kafka).toBe(client)
  })
})

describe('a password', () => {
  const password = 'swordfish-42'

  test.each([
    { url: `kafka://user:${password}@host:0` },
    { url: `kafka://user:${password}@host:port` },
    { url: `kafka://user:${password}@host?${password}=1&x=2`.replace(`?${password}=1&`, '?') },
    { url: `kafka://user:${password}@ho st` },
    { url: `redis://user:${password}@host` },
    { url: `kafka:/user:${password}@host` },
    { username: 'user', password, partitions: -1 },
    { username: '', password },
    { username: 'user', password: password.length },
  ])('stands in no message (%#)', (options) => {
    expect(inspect(refusal(options), { depth: 5 })).not.toContain(password)
  })
})
