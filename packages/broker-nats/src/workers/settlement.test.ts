import type { Outcome, TaskError } from '@ds/core'
import { describe, expect, test } from 'vitest'
import { decideClaim } from './claim.ts'
import type { Stored } from '../records/codec.ts'
import { decideSettlement } from './settlement.ts'
import type { SettlementDecision } from './settlement.ts'
import { acceptedRecord, fitErrors } from '../records/transitions.ts'

const AT = 1_000_000
const LEASE = { id: 'a', attempt: 1, token: 'c1', expiresIn: 1000 }
const ERROR: TaskError = { name: 'E', message: 'm', stacktrace: [] }

function running(): Stored {
  const asked = {
    id: 'a',
    incarnation: 'life',
    name: 'n',
    group: 'g',
    queue: 'q',
    args: '{}',
    maxRetries: 1,
    maxCrashes: 3,
  }
  const record = acceptedRecord(asked, { text: '{}' }, AT)
  const decision = decideClaim(
    { record, revision: 1 },
    { ticket: record.ticket, sequence: 3, isFirst: false, claim: 'c1', lease: 1000, now: AT, takesSuspects: true },
  )
  if (!('write' in decision)) throw new Error('it was not claimed')
  return { record: decision.write, revision: 2 }
}

function settle(stored: Stored | undefined, outcome: Outcome, lease = LEASE): SettlementDecision {
  return decideSettlement(stored, { lease, outcome, result: { text: '7' }, now: AT + 10, errorLimit: 10_000 })
}

describe('an outcome', () => {
  test('that ends the task takes the entry along, with the result in the same write', () => {
    expect(settle(running(), { type: 'done', result: '7' })).toMatchObject({
      type: 'write',
      write: { task: { state: 'DONE' }, result: { text: '7' }, settledBy: 'c1' },
      fate: { gone: true },
    })
  })

  test('that asks for a retry keeps the entry for the time of its delay', () => {
    expect(settle(running(), { type: 'retry', error: ERROR, delay: 500 })).toMatchObject({
      write: { task: { state: 'QUEUED', failures: 1, runAt: AT + 510 }, errors: [{ attempt: 1 }] },
      fate: { gone: false, after: 500 },
    })
  })

  test('that is sent again stands as it is', () => {
    const first = settle(running(), { type: 'done', result: '7' })
    if (first.type !== 'write') throw new Error('nothing was written')
    const again = settle({ record: first.write, revision: 3 }, { type: 'done', result: '7' })
    expect(again).toEqual({ type: 'stands', fate: { gone: true } })
  })

  test.each([
    ['of another claim', running(), { ...LEASE, token: 'other' }],
    ['of a task that is gone', undefined, LEASE],
  ])('%s is superseded', (_, stored, lease) => {
    expect(settle(stored, { type: 'done', result: '7' }, lease)).toEqual({ type: 'superseded' })
  })
})

test('errors over the limit lose the stacks of the oldest first, and the newest stays whole', () => {
  const frame = { name: 'f'.repeat(50), file: 'x.ts', lineno: 1 }
  const error = { ...ERROR, message: 'm'.repeat(500), stacktrace: Array.from({ length: 50 }, () => frame) }
  const errors = Array.from({ length: 20 }, (_, index) => ({ attempt: index + 1, at: AT, error }))
  const fitted = fitErrors(errors, 20_000)
  expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(20_000)
  expect(fitted).toHaveLength(20)
  expect(fitted.at(-1)).toEqual(errors.at(-1))
})
