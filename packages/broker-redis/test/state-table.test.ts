import { apply } from '@ds/core'
import type { Change, Task } from '@ds/core'
import { startRedis } from '@ds/broker-testing'
import type { TestServer } from '@ds/broker-testing'
import { CASE_TIME, STATE_CASES } from '@ds/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Applier } from './applying.ts'

let server: TestServer
let applier: Applier
let drawn = 0

beforeAll(async () => {
  server = await startRedis()
  applier = await Applier.open(server.url, `states-${process.pid}`)
})

afterAll(async () => {
  await applier.close()
  await server.close()
})

/** A name that nothing else has, so that no row meets another's task. */
function unique(): string {
  drawn += 1
  return `t${drawn}`
}

/** The times of the table lie in the past of any server: they are moved to where its clock is. */
function moved(task: Task, by: number): Task {
  const move = (time: number | undefined): number | undefined => (time === undefined ? undefined : time + by)
  const { createdAt, startedAt, completedAt, runAt } = task
  return present({
    ...task,
    createdAt: createdAt + by,
    startedAt: move(startedAt),
    completedAt: move(completedAt),
    runAt: move(runAt),
  })
}

/** Times of the table are 100 s apart; those of the server come a little later than asked for. */
function rounded(task: Task): Task {
  const round = (time: number | undefined): number | undefined =>
    time === undefined ? undefined : Math.round(time / 100_000) * 100_000
  const { startedAt, completedAt, runAt } = task
  return present({ ...task, startedAt: round(startedAt), completedAt: round(completedAt), runAt: round(runAt) })
}

function present(fields: { [Key in keyof Task]: Task[Key] | undefined }): Task {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as unknown as Task
}

describe('the scripts and the table of the state machine agree', () => {
  test.each(STATE_CASES.map((row) => [row.name, row] as const))('%s', async (_name, { task, change, expected }) => {
    const by = (await applier.now()) - CASE_TIME
    const id = unique()
    const place = { id, queue: id }
    const before = moved({ ...task, ...place }, by)
    await applier.put(before)
    const { task: after, ...told } = await applier.apply(before, change)
    if (typeof expected === 'string') {
      expect(after).toEqual(before)
      expect(told).toEqual({})
    } else {
      const { task: wanted, ...event } = expected
      expect(rounded(moved(after, -by))).toEqual(rounded({ ...wanted, ...place }))
      expect(told).toEqual(event)
    }
  })
})

const boom = { name: 'Error', message: 'boom', stacktrace: [] }
const attempts: fc.Arbitrary<number> = fc.nat({ max: 2 })

/** Makes a change for a time, and for the attempt that is the current one. */
type MakeChange = (at: number, current: number) => Change

const claims = fc.constant<MakeChange>((at) => ({ type: 'claimed', at }))
const retries = fc.constant<MakeChange>((at) => ({ type: 'retry', at }))
const cancels = fc.boolean().map((requeue): MakeChange => {
  return (at) => ({ type: 'cancel', at, requeue })
})
const progress = fc.tuple(attempts, fc.double({ min: -1, max: 2, noNaN: true })).map(([back, value]): MakeChange => {
  return (at, current) => ({ type: 'progress', at, attempt: current - back, progress: value })
})
const endings = fc
  .tuple(attempts, fc.constantFrom('done', 'cancelled', 'released', 'lost'))
  .map(([back, type]): MakeChange => {
    return (at, current) => ({ type, at, attempt: current - back })
  })
const failures = fc
  .tuple(attempts, fc.boolean(), fc.option(fc.nat({ max: 3 }), { nil: undefined }))
  .map(([back, again, maxRetries]): MakeChange => {
    return (at, current) => ({
      type: 'failed',
      at,
      attempt: current - back,
      error: boom,
      ...(again && { retryAt: at }),
      ...(again && maxRetries !== undefined && { maxRetries }),
    })
  })

/** Changes of the current attempt, or of one up to two before. */
const changes: fc.Arbitrary<MakeChange> = fc.oneof(
  { weight: 4, arbitrary: claims },
  progress,
  endings,
  failures,
  cancels,
  retries,
)

/** What both tell without a clock. */
function timeless({ startedAt, completedAt, runAt, ...task }: Task): unknown {
  return {
    ...task,
    started: startedAt !== undefined,
    completed: completedAt !== undefined,
    delayed: runAt !== undefined,
  }
}

describe('the scripts and apply()', () => {
  test('agree on any sequence of changes', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 25 }), async (sequence) => {
        const id = unique()
        const first = STATE_CASES[0]?.task
        if (!first) throw new Error('the table is empty')
        let task: Task = { ...first, id, queue: id, createdAt: await applier.now() }
        await applier.put(task)
        for (const make of sequence) {
          const change = make(await applier.now(), task.attempt)
          const verdict = apply(task, change)
          const found = await applier.apply(task, change)
          const wanted = verdict.verdict === 'applied' ? verdict.task : task
          expect(timeless(found.task), JSON.stringify(change)).toEqual(timeless(wanted))
          expect(found.event, JSON.stringify(change)).toBe(verdict.verdict === 'applied' ? verdict.event : undefined)
          task = found.task
        }
      }),
      { numRuns: 60 },
    )
  })
})
