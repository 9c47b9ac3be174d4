import { describe, expect, test } from 'vitest'
import { configOfEnvironment, ENVIRONMENT, unknownVariables } from './environment.ts'

describe('the environment', () => {
  test('sets every key it has a variable for', () => {
    const part = configOfEnvironment({
      DS_APP: './tasks.ts',
      DS_BROKER_URL: 'redis://h',
      DS_NAMESPACE: 'n',
      DS_RETENTION_AGE: '7d',
      DS_RETENTION_COUNT: '1000',
      DS_MAX_PAYLOAD: '2mb',
      DS_REQUIRE_DURABLE: 'true',
      DS_CONCURRENCY: '20',
      DS_GROUPS: 'io, cpu',
      DS_LEASE: '30000',
      DS_DRAIN: '1m',
      DS_PROCESSES: '4',
    })
    expect(part).toEqual({
      app: './tasks.ts',
      broker: { url: 'redis://h' },
      namespace: 'n',
      retention: { age: 7 * 24 * 3600 * 1000, count: 1000 },
      maxPayload: 2 * 1024 * 1024,
      requireDurable: true,
      worker: { concurrency: 20, groups: ['io', 'cpu'], lease: 30_000, drain: 60_000, processes: 4 },
    })
    const keys = ENVIRONMENT.flatMap(({ key }) => (key === undefined ? [] : [key.split('.')[0]]))
    expect(new Set(Object.keys(part))).toEqual(new Set(keys))
  })

  test('sets nothing by an empty variable', () => {
    expect(configOfEnvironment({ DS_GROUPS: '', DS_NAMESPACE: ' ' })).toEqual({})
  })

  test.each([
    [
      'DS_CONCURRENCY',
      'many',
      /worker\.concurrency in the environment variable DS_CONCURRENCY is "many".*whole number/,
    ],
    ['DS_LEASE', 'soon', /worker\.lease .* DS_LEASE is "soon".*30s/],
    ['DS_REQUIRE_DURABLE', 'maybe', /requireDurable .* DS_REQUIRE_DURABLE is "maybe".*true or false/],
    ['DS_GROUPS', 'a,,b', /worker\.groups\[1\] .* DS_GROUPS is ""/],
    ['DS_MAX_PAYLOAD', '5 apples', /maxPayload .* DS_MAX_PAYLOAD is "5 apples".*512kb/],
    ['DS_NAMESPACE', 'My Space', /namespace .* DS_NAMESPACE is "My Space".*a-z/],
  ])('refuses %s=%s and names the variable', (name, value, message) => {
    expect(() => configOfEnvironment({ [name]: value })).toThrow(message)
  })
})

describe('variables that are not read', () => {
  test.each([
    ['DS_BROKER_ULR', /DS_BROKER_ULR is not read\. Did you mean DS_BROKER_URL\?/],
    ['DS_CONCURENCY', /Did you mean DS_CONCURRENCY\?/],
    ['DS_GROUP', /Did you mean DS_GROUPS\?/],
    ['DS_QUEUE', /Known are: DS_CONFIG, DS_APP/],
    ['DS_WORKER', /Known are/],
    ['DS_BROKER_PASSWORD', /Known are/],
  ])('%s is said', (name, message) => {
    const [line, ...more] = unknownVariables({ [name]: 'x' })
    expect(line).toMatch(message)
    expect(more).toEqual([])
  })

  test.each(['DS_TEST_REDIS', 'DS_DOCUMENTS_TRANSLATE_URL', 'DS_DOCKER_MOUNTED_DATA_DIR', 'DSX', 'PATH', 'DS_CONFIG'])(
    '%s is left alone',
    (name) => {
      expect(unknownVariables({ [name]: 'x' })).toEqual([])
    },
  )
})
