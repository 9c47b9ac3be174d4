import { ConfigInvalidError, NotSupportedError } from '@ds/core'
import { describe, expect, test } from 'vitest'
import { checkOptions } from './options.ts'
import type { NatsBrokerOptions } from './options.ts'

describe('the URL', () => {
  test('names several members, user and password', () => {
    const settings = checkOptions({ url: 'nats://ada:p%40ss@a:4222,b:4223?replicas=3&domain=hub' })
    expect(settings).toMatchObject({ servers: ['a:4222', 'b:4223'], replicas: 3, domain: 'hub' })
    expect(settings.connection).toEqual({ user: 'ada', pass: 'p@ss' })
    expect(settings.address).not.toContain('p%40ss')
  })

  test('ends the user at the first colon', () => {
    expect(checkOptions({ url: 'nats://ada:se:cret@a' }).connection).toEqual({ user: 'ada', pass: 'se:cret' })
  })

  test('may be several with commas, and with a token', () => {
    const settings = checkOptions({ url: 'tls://s3cret@a:4222,tls://b' })
    expect(settings).toMatchObject({ servers: ['a:4222', 'b'], connection: { token: 's3cret', tls: {} } })
  })

  test.each([
    'redis://a',
    'nats://',
    'nats://a:b:c',
    'nats://a b',
    'nats://a?replica=3',
    'nats://%zz@a',
    'nats:u:s3cret@a',
    'tls:/u:s3cret@a',
    'nats://my?s3cret@a',
    'nats://ada:20?s3cret@a:4222',
    'nats://a?domain=',
    'nats://a?domain=a.b',
  ])('%s is refused', (url) => {
    expect(() => checkOptions({ url })).toThrow(ConfigInvalidError)
    expect(() => checkOptions({ url })).not.toThrow('s3cret')
  })
})

describe('options', () => {
  const wrong: Record<string, object> = {
    'no replicas': { replicas: 0 },
    'six replicas': { replicas: 6 },
    'a namespace with capitals': { namespace: 'Abc' },
    'no timeout': { timeout: 0 },
    'a payload limit that is no number': { maxPayload: Number.NaN },
    'a negative retention': { retention: { age: -1 } },
    'a client that is none': { client: {} },
    'a connection that is a file': { connection: 'x.creds' },
    'a monitor without a scheme': { monitor: 'localhost 8222' },
    'an option nobody knows': { server: 'nats://a' },
  }
  test.each(Object.entries(wrong))('%s is refused', (_, options) => {
    expect(() => checkOptions(options as NatsBrokerOptions)).toThrow(ConfigInvalidError)
  })

  test('a number of finished tasks to keep is refused as not supported', () => {
    expect(() => checkOptions({ retention: { count: 10 } })).toThrow(NotSupportedError)
  })

  test('the own options win over the URL', () => {
    expect(checkOptions({ url: 'nats://a?replicas=3', replicas: 1 }).replicas).toBe(1)
  })
})
