import { createMemoryBroker, defineTask, Fatal, newRecord, RetryAfter, TaskAbortedError } from '@ds/core'
import type { AbortKind, AnyTaskDefinition, Task } from '@ds/core'
import { expect, it } from 'vitest'
import { outcomeOfError, outcomeOfResult } from './outcome.ts'
import type { EndedAttempt } from './outcome.ts'

class ConnectionError extends Error {
  override name = 'ConnectionError'
}

const LIMIT = createMemoryBroker().capabilities.maxPayload
const definition = defineTask('scan', { timeout: '2s', retryOn: [ConnectionError], backoff: (n) => n * 100 }, () => 1)
const task: Task = newRecord(
  {
    id: 't1',
    incarnation: 'i1',
    name: 'scan',
    group: 'default',
    queue: 'default',
    args: 'null',
    maxRetries: 3,
    maxCrashes: 3,
  },
  0,
)

function attempt(kind?: AbortKind, other: { definition?: AnyTaskDefinition; failures?: number } = {}): EndedAttempt {
  return {
    definition: other.definition ?? definition,
    task: { ...task, failures: other.failures ?? 0 },
    aborted: kind && new TaskAbortedError(kind, 'told to end'),
  }
}

it('is done with the encoded result; nothing becomes null', () => {
  expect(outcomeOfResult(attempt(), { a: 1 }, LIMIT)).toEqual({ type: 'done', result: '{"a":1}' })
  expect(outcomeOfResult(attempt(), undefined, LIMIT)).toEqual({ type: 'done', result: 'null' })
})

it('refuses results that are too large or no JSON', () => {
  expect(() => outcomeOfResult(attempt(), 'x'.repeat(100), 50)).toThrow(/The result of scan take/)
  expect(() => outcomeOfResult(attempt(), 10n, LIMIT)).toThrow(/cannot be written as JSON/)
})

it('retries listed errors by the backoff, counting this failure', () => {
  expect(outcomeOfError(attempt(undefined, { failures: 2 }), new ConnectionError('gone'))).toMatchObject({
    type: 'retry',
    delay: 300,
    error: { name: 'ConnectionError', message: 'gone' },
  })
})

it('does not retry errors that are not listed, nor Fatal ones', () => {
  expect(outcomeOfError(attempt(), new TypeError('bug'))).toMatchObject({ type: 'error', error: { name: 'TypeError' } })
  const any = defineTask('any', {}, () => 1)
  expect(outcomeOfError(attempt(undefined, { definition: any }), new Fatal('never'))).toMatchObject({ type: 'error' })
})

it('waits as long as RetryAfter asks', () => {
  expect(outcomeOfError(attempt(), new RetryAfter('3s'))).toMatchObject({ type: 'retry', delay: 3000 })
})

it('ends in ERROR, with both reasons, when the retry policy itself throws', () => {
  const broken = defineTask('broken', { retryOn: () => JSON.parse('{') as boolean }, () => 1)
  const outcome = outcomeOfError(attempt(undefined, { definition: broken }), new Error('first'))
  expect(outcome).toMatchObject({ type: 'error', error: { message: 'first' } })
  expect(outcome).toHaveProperty('error.cause', expect.stringContaining('retry policy failed as well: SyntaxError'))
})

it('takes any error after a cancel, and after a shutdown, as the way the handler ended', () => {
  expect(outcomeOfError(attempt('cancelled'), new TypeError('whatever'))).toEqual({ type: 'cancelled' })
  expect(outcomeOfError(attempt('shutdown'), new TypeError('whatever'))).toEqual({ type: 'released' })
})

it('lets a result win over a cancel and a shutdown', () => {
  expect(outcomeOfResult(attempt('cancelled'), 1, LIMIT)).toEqual({ type: 'done', result: '1' })
  expect(outcomeOfResult(attempt('shutdown'), 1, LIMIT)).toEqual({ type: 'done', result: '1' })
})

it('makes a timeout an error of its own, whether the handler threw or returned; the policy decides on a retry', () => {
  const error = {
    name: 'TaskTimeout',
    message: expect.stringContaining('scan did not end within its timeout of 2000 ms') as string,
  }
  expect(outcomeOfError(attempt('timeout'), new ConnectionError('late'))).toMatchObject({ type: 'error', error })
  expect(outcomeOfResult(attempt('timeout'), 1, LIMIT)).toMatchObject({ type: 'error', error })
  const any = defineTask('scan', { timeout: '2s', backoff: () => 50 }, () => 1)
  expect(outcomeOfError(attempt('timeout', { definition: any }), new Error('late'))).toMatchObject({
    type: 'retry',
    error,
    delay: 50,
  })
})
