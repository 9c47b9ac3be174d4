import { expect, test } from 'vitest'
import { LONGEST_DELAY } from '../duration.ts'
import { RetryAfter } from '../errors.ts'
import { exponential, retryDelay } from './retry-policy.ts'

test('whatever a backoff answers, the wait is one that a broker can keep', () => {
  const waits = [Infinity, 1e300, -1, NaN, 0.4].map((wait) => retryDelay({ backoff: () => wait }, new Error('x'), 1))
  expect(waits).toEqual([LONGEST_DELAY, LONGEST_DELAY, 0, 0, 1])
  expect(retryDelay({}, new RetryAfter('99999999d'), 1)).toBe(LONGEST_DELAY)
  expect(retryDelay({ backoff: exponential('1s', { max: 1e300, jitter: 0 }) }, new Error('x'), 1000)).toBe(
    LONGEST_DELAY,
  )
})
