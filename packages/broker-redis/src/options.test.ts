import { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION, DsError } from '@ds/core'
import { Cluster, Redis } from 'ioredis'
import { afterAll, describe, expect, test } from 'vitest'
import { resolveOptions } from './options.ts'
import type { RedisBrokerOptions } from './options.ts'

const clients: (Redis | Cluster)[] = []
afterAll(() => clients.forEach((client) => client.disconnect()))

function client<Client extends Redis | Cluster>(made: Client): Client {
  clients.push(made)
  return made
}

describe('without options', () => {
  test('it is the server of this machine, with the defaults of core', () => {
    expect(resolveOptions({})).toEqual({
      namespace: 'default',
      retention: DEFAULT_RETENTION,
      maxPayload: DEFAULT_MAX_PAYLOAD,
      requireDurable: false,
      wait: undefined,
      target: { host: '127.0.0.1', port: 6379, db: 0, cluster: false },
      address: 'redis://127.0.0.1:6379',
    })
  })
})

describe('a URL', () => {
  test('says all of the address, percent-encoded where it must be', () => {
    const { target } = resolveOptions({ url: 'rediss://us%40er:p%3Ass@redis.example:6380/3' })
    expect(target).toEqual({
      host: 'redis.example',
      port: 6380,
      username: 'us@er',
      password: 'p:ss',
      db: 3,
      tls: {},
      cluster: false,
    })
  })

  test('wins over the address in the options, and leaves the rest of them', () => {
    const { target, namespace } = resolveOptions({ url: 'redis://one', host: 'two', port: 7000, namespace: 'prod' })
    expect(target).toMatchObject({ host: 'one', port: 6379 })
    expect(namespace).toBe('prod')
  })

  test('keeps what the options say of TLS', () => {
    expect(resolveOptions({ url: 'rediss://one', tls: { ca: 'pem' } }).target).toMatchObject({ tls: { ca: 'pem' } })
  })

  test('takes an address of IPv6', () => {
    const { target, address } = resolveOptions({ url: 'redis://[::1]:7000' })
    expect(target).toMatchObject({ host: '::1', port: 7000 })
    expect(address).toBe('redis://[::1]:7000')
  })

  test('takes parameters', () => {
    const query = 'namespace=prod&maxPayload=1000&requireDurable=true&waitReplicas=2&waitTimeout=500&cluster=true'
    expect(resolveOptions({ url: `redis://one?${query}` })).toMatchObject({
      namespace: 'prod',
      maxPayload: 1000,
      requireDurable: true,
      wait: { replicas: 2, timeout: 500 },
      target: { cluster: true },
    })
  })
})

describe('the address that is shown', () => {
  test.each<[RedisBrokerOptions, string]>([
    [{ url: 'redis://user:secret@one:1/2' }, 'redis://one:1/2'],
    [{ host: 'one', password: 'secret', tls: true }, 'rediss://one:6379'],
    [{ url: 'redis://:secret@one?cluster=true' }, 'redis://one:6379?cluster=true'],
  ])('has no credentials: %j', (options, shown) => {
    expect(resolveOptions(options).address).toBe(shown)
  })

  test('of a client is that of its server, without credentials', () => {
    const made = client(new Redis({ host: 'one', port: 1, db: 2, password: 'secret', lazyConnect: true }))
    expect(resolveOptions({ client: made }).address).toBe('redis://one:1/2')
    const sentinels = client(new Redis({ sentinels: [{ host: 's' }], name: 'main', lazyConnect: true }))
    expect(resolveOptions({ client: sentinels }).address).toBe('redis main by sentinel')
    expect(resolveOptions({ client: client(new Cluster([], { lazyConnect: true })) }).address).toBe('redis cluster')
  })
})

describe('what cannot work is refused at once, and says what to do', () => {
  test.each<[RedisBrokerOptions, string]>([
    [{ url: 'nats://one' }, 'redis://user:password@'],
    [{ url: 'one:6379:what' }, 'redis://user:password@'],
    [{ url: 'redis://one/db' }, 'database'],
    [{ url: 'redis://one?retries=3' }, 'Known are'],
    [{ url: 'redis://one?requireDurable=yes' }, 'true or false'],
    [{ port: 0 }, 'port'],
    [{ port: 65_536 }, 'port'],
    [{ db: -1 }, 'db'],
    [{ db: 1, cluster: true }, 'namespaces'],
    [{ host: '' }, 'host'],
    [{ namespace: 'No' }, 'namespace'],
    [{ retention: { age: -1 } }, 'retention.age'],
    [{ retention: { count: 1.5 } }, 'retention.count'],
    [{ maxPayload: 0 }, 'maxPayload'],
    [{ wait: { replicas: 0 } }, 'wait.replicas'],
    [{ wait: { replicas: 1, timeout: 60_000 } }, 'wait.timeout'],
    [{ client: {} as Redis }, 'client'],
    [{ password: 5 as unknown as string }, 'password'],
  ])('%j', (options, word) => {
    const refused = (): unknown => resolveOptions(options)
    expect(refused).toThrow(word)
    try {
      refused()
    } catch (error) {
      expect(DsError.is(error, 'ConfigInvalid')).toBe(true)
    }
  })

  test('never shows a password', () => {
    const attempts: RedisBrokerOptions[] = [
      { url: 'nats://user:secret@one' },
      { url: 'redis://user:secret@one:port' },
      { url: 'redis://user:secret@one/db' },
      { url: 'redis:user:secret@one' },
      { url: 'redis:/:secret@one' },
    ]
    for (const options of attempts) {
      expect(() => resolveOptions(options)).toThrow()
      expect(() => resolveOptions(options)).not.toThrow('secret')
    }
  })
})
