import { describe, expect, test } from 'vitest'
import type { NewTask } from '@ds/core'
import { decideClaim } from './claim.ts'
import type { ClaimSituation } from './claim.ts'
import type { Stored, TaskRecord } from '../records/codec.ts'
import { acceptedRecord, applyTo, eventsOf, recordAfter } from '../records/transitions.ts'

const NEW: NewTask = {
  id: 'a',
  incarnation: 'life',
  name: 'n',
  group: 'g',
  queue: 'q',
  args: '{}',
  maxRetries: 3,
  maxCrashes: 3,
}
const AT = 1_000_000
const TICKET = 'first queueing'

function queued(more: Partial<NewTask> = {}): Stored {
  const record = acceptedRecord({ ...NEW, ...more }, { text: '{}' }, AT)
  return { record: { ...record, ticket: TICKET }, revision: 7 }
}

function situation(more: Partial<ClaimSituation> = {}): ClaimSituation {
  return {
    ticket: TICKET,
    sequence: 3,
    isFirst: false,
    claim: 'c2',
    lease: 1000,
    now: AT + 10,
    takesSuspects: true,
    ...more,
  }
}

function running(more: Partial<TaskRecord> = {}, startedAt = AT): Stored {
  const decision = decideClaim(queued(), situation({ claim: 'c1', now: startedAt }))
  if (!('write' in decision)) throw new Error('it was not claimed')
  return { record: { ...decision.write, ...more }, revision: 8 }
}

function written(stored: Stored | undefined, of: ClaimSituation): TaskRecord {
  const decision = decideClaim(stored, of)
  if (!('write' in decision)) throw new Error(`nothing is written: ${decision.type}`)
  return decision.write
}

describe('an entry of a queued task', () => {
  test('is claimed: RUNNING, attempt 1, under its sequence and lease', () => {
    const write = written(queued(), situation())
    expect(write).toMatchObject({ entry: 3, lease: 1000, claim: 'c2', note: { type: 'StartedEvent' } })
    expect(write.task).toMatchObject({ state: 'RUNNING', attempt: 1, version: 2, startedAt: AT + 10 })
  })

  test('leaves the args in its first entry, which stays', () => {
    const first = written(queued(), situation({ isFirst: true }))
    expect(first.args).toEqual({ first: true })
    const again = written({ record: first, revision: 8 }, situation({ isFirst: true, claim: 'c3', now: AT + 5000 }))
    expect(again).toMatchObject({ args: { first: true }, claim: 'c3' })
    const apart = { record: { ...queued().record, args: { blob: 'args' } }, revision: 0 }
    expect(written(apart, situation({ isFirst: true })).args).toEqual({ blob: 'args' })
  })

  test('waits for what is left of its delay', () => {
    expect(decideClaim(queued({ delay: 500 }), situation())).toEqual({ type: 'later', delay: 490 })
  })

  test('is an orphan where there is no record', () => {
    expect(decideClaim(undefined, situation())).toEqual({ type: 'orphan' })
  })

  test('is dropped where the record was queued by another entry', () => {
    expect(decideClaim(queued(), situation({ ticket: 'former life' }))).toEqual({ type: 'drop' })
  })

  test('waits where the consumer holds a suspect and this is another', () => {
    const { record } = queued()
    const suspect = { record: { ...record, task: { ...record.task, crashes: 1 } }, revision: 7 }
    expect(decideClaim(suspect, situation({ takesSuspects: false }))).toEqual({ type: 'suspect' })
    expect(decideClaim(suspect, situation()).type).toBe('claim')
  })
})

describe('an entry of a running task', () => {
  test('that comes after its lease is lost and claimed in one write, with both events', () => {
    const write = written(running(), situation({ now: AT + 1001 }))
    expect(write.task).toMatchObject({ state: 'RUNNING', attempt: 2, crashes: 1, version: 4 })
    expect(eventsOf(write).map(({ type, version, state }) => [type, version, state])).toEqual([
      ['ErrorEvent', 3, 'QUEUED'],
      ['StartedEvent', 4, 'RUNNING'],
    ])
    expect(write.errors).toMatchObject([{ attempt: 1, error: { name: 'WorkerLost' } }])
  })

  test('that comes before its lease can have run out is given back for the rest of it', () => {
    expect(decideClaim(running(), situation({ now: AT + 400 }))).toEqual({ type: 'later', delay: 600 })
  })

  test('that was renewed is given back until a lease after the renewal', () => {
    const renewed = running({ renewedAt: AT + 800 })
    expect(decideClaim(renewed, situation({ now: AT + 1500 }))).toEqual({ type: 'later', delay: 300 })
    expect(decideClaim(renewed, situation({ now: AT + 1801 })).type).toBe('claim')
  })

  test('is given back for a lease after a break of the connection', () => {
    expect(decideClaim(running(), situation({ now: AT + 5000, sinceReturn: 200 }))).toEqual({
      type: 'later',
      delay: 800,
    })
    expect(decideClaim(running(), situation({ now: AT + 5000, sinceReturn: 1001 })).type).toBe('claim')
  })

  test('under another sequence is a duplicate', () => {
    expect(decideClaim(running(), situation({ sequence: 4, now: AT + 5000 }))).toEqual({ type: 'drop' })
  })

  test('claimed by the same call before is handed out as it is', () => {
    const stored = running()
    expect(decideClaim(stored, situation({ claim: 'c1' }))).toEqual({ type: 'mine', stored })
  })

  test('beside a suspect is queued as one more', () => {
    const decision = decideClaim(running(), situation({ now: AT + 5000, takesSuspects: false }))
    expect(decision).toMatchObject({ type: 'refuse', write: { task: { state: 'QUEUED', crashes: 1 } } })
  })

  test('that lost its last worker ends in ERROR', () => {
    const { record } = running()
    const third = { record: { ...record, task: { ...record.task, crashes: 2 } }, revision: 8 }
    const decision = decideClaim(third, situation({ now: AT + 5000, takesSuspects: false }))
    expect(decision).toMatchObject({ type: 'end', write: { task: { state: 'ERROR', crashes: 3 } } })
  })

  test('that was flagged is CANCELLED, or claimed again where it goes back to its queue', () => {
    const flagged = (requeue: boolean): Stored => {
      const { record } = running()
      const verdict = applyTo(record, { type: 'cancel', at: AT, requeue })
      if (verdict.verdict !== 'applied') throw new Error('not flagged')
      return { record: recordAfter(record, verdict, AT), revision: 9 }
    }
    const late = situation({ now: AT + 5000 })
    expect(decideClaim(flagged(false), late)).toMatchObject({ type: 'end', write: { task: { state: 'CANCELLED' } } })
    expect(decideClaim(flagged(true), late)).toMatchObject({
      type: 'claim',
      write: { task: { attempt: 2, crashes: 0 } },
    })
  })

  test('that has ended is dropped', () => {
    const { record } = running()
    const verdict = applyTo(record, { type: 'done', at: AT, attempt: 1 })
    if (verdict.verdict !== 'applied') throw new Error('not done')
    expect(decideClaim({ record: recordAfter(record, verdict, AT), revision: 9 }, situation())).toEqual({
      type: 'drop',
    })
  })
})
