import { expect, test } from 'vitest'
import type { BrokerOptions } from './broker-adapter.ts'
import type { BrokerKind } from './broker-options.ts'
import { resolveBrokerOptions } from './broker-options.ts'
import { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION } from './capabilities.ts'
import { DsError } from '../errors.ts'
import { MemoryBroker } from '../memory/memory-broker.ts'

const COUNTING: BrokerKind = { broker: 'Some', retentionByCount: true, own: {} }

test('what is left out has its default', () => {
  expect(resolveBrokerOptions({}, COUNTING)).toEqual({
    namespace: 'default',
    retention: DEFAULT_RETENTION,
    maxPayload: DEFAULT_MAX_PAYLOAD,
    requireDurable: false,
  })
})

test('an empty retention keeps finished tasks for ever', () => {
  expect(resolveBrokerOptions({ retention: {} }, COUNTING).retention).toEqual({})
})

test.each<[BrokerOptions, string]>([
  [{ namespace: 'No' }, 'namespace'],
  [{ retention: { age: -1 } }, 'retention.age'],
  [{ retention: { age: NaN } }, 'retention.age'],
  [{ retention: { count: 1.5 } }, 'retention.count'],
  [{ retention: { ages: 5 } as object }, 'Unknown key ages in retention'],
  [{ retention: '7d' as unknown as object }, 'The option retention of'],
  [{ retention: null as unknown as object }, 'The option retention of'],
  [{ maxPayload: 0 }, 'maxPayload'],
  [{ maxPayload: '1 MB' as unknown as number }, 'maxPayload'],
  [{ requireDurable: 'yes' as unknown as boolean }, 'requireDurable'],
])('%j is refused, with what to do', (options, word) => {
  const error = refusalOf(() => resolveBrokerOptions(options, COUNTING))
  expect(error).toMatchObject({ code: 'ConfigInvalid' })
  expect(error.message).toContain(word)
  expect(error.fix).toBeTruthy()
  expect(refusalOf(() => new MemoryBroker(options)).code).toBe('ConfigInvalid')
})

test('a number of tasks to keep is refused where the broker does not count them', () => {
  const error = refusalOf(() =>
    resolveBrokerOptions({ retention: { count: 10 } }, { ...COUNTING, retentionByCount: false }),
  )
  expect(error).toMatchObject({ code: 'NotSupported', fix: 'Use retention.age' })
})

test('an option that neither all brokers nor this one take is refused, with the one that was meant', () => {
  const own = { url: true, replicas: true } as const
  const options: BrokerOptions & { replica: number } = { replica: 3, namespace: 'here' }
  const error = refusalOf(() =>
    resolveBrokerOptions<BrokerOptions & { url?: string; replicas?: number }>(options, { ...COUNTING, own }),
  )
  expect(error.code).toBe('ConfigInvalid')
  expect(error.message).toMatch(/^Unknown key replica in the options of the Some broker/)
  expect(error.fix).toMatch(/^Did you mean replicas\? Known are: url, replicas, namespace, /)
})

function refusalOf(call: () => unknown): DsError {
  try {
    call()
  } catch (error) {
    if (DsError.is(error)) return error
    throw error
  }
  throw new Error('it was not refused')
}
