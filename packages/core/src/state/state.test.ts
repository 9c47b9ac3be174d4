import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apply } from './state.ts'
import type { Change } from './state.ts'
import { STATE_CASES } from './state-cases.ts'
import { isFinal } from '../tasks/task.ts'
import type { Task } from '../tasks/task.ts'

describe('the table of the state machine', () => {
  test.each(STATE_CASES.map((row) => [row.name, row] as const))('%s', (_name, { task, change, expected }) => {
    const verdict = apply(task, change)
    if (typeof expected === 'string') expect(verdict).toEqual({ verdict: expected })
    else expect(verdict).toEqual({ verdict: 'applied', ...expected })
  })

  test('has a name for each row', () => {
    expect(new Set(STATE_CASES.map(({ name }) => name)).size).toBe(STATE_CASES.length)
  })

  test('has rows for every change in every state', () => {
    const states = ['QUEUED', 'RUNNING', 'DONE', 'ERROR', 'CANCELLED']
    const changes = ['claimed', 'progress', 'done', 'failed', 'cancelled', 'released', 'lost', 'cancel', 'retry']
    const rows = new Set(STATE_CASES.map(({ task, change }) => `${task.state} ${change.type}`))
    expect(
      states.flatMap((state) => changes.map((change) => `${state} ${change}`)).filter((row) => !rows.has(row)),
    ).toEqual([])
  })
})

const first: Task = {
  schema: 1,
  id: 'task',
  name: 'name',
  group: 'default',
  queue: 'default',
  parentId: 'parent',
  headers: { trace: 'x' },
  state: 'QUEUED',
  progress: 0,
  attempt: 0,
  failures: 0,
  crashes: 0,
  maxRetries: 2,
  maxCrashes: 3,
  createdAt: 0,
  version: 1,
  incarnation: 'life',
}

/** What never changes in the life of a record. */
const FIXED = [
  'id',
  'name',
  'group',
  'queue',
  'parentId',
  'headers',
  'maxRetries',
  'maxCrashes',
  'createdAt',
  'incarnation',
] as const

const error = { name: 'E', message: 'm', stacktrace: [] }
/** Small, so that changes of the current attempt and of others are both common. */
const attempt = fc.integer({ min: 0, max: 6 })
const at = fc.integer({ min: 0, max: 1000 })

/** Any change of any attempt. */
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('claimed' as const), at }) },
  fc.record({ type: fc.constant('progress' as const), at, attempt, progress: fc.double({ min: -1, max: 2 }) }),
  fc.record({ type: fc.constant('done' as const), at, attempt }),
  fc.record({ type: fc.constant('failed' as const), at, attempt, error: fc.constant(error), retryAt: at }),
  fc.record({ type: fc.constant('failed' as const), at, attempt, error: fc.constant(error) }),
  fc.record({ type: fc.constant('cancelled' as const), at, attempt }),
  fc.record({ type: fc.constant('released' as const), at, attempt }),
  fc.record({ type: fc.constant('lost' as const), at, attempt }),
  fc.record({ type: fc.constant('cancel' as const), at, requeue: fc.boolean() }),
  fc.record({ type: fc.constant('retry' as const), at }),
)

/** Changes in any order, with some of them coming again later. */
const changes: fc.Arbitrary<Change[]> = fc
  .tuple(fc.array(change, { maxLength: 40, size: 'max' }), fc.array(fc.nat(), { maxLength: 20, size: 'max' }))
  .map(([list, again]) => (list.length === 0 ? list : [...list, ...again.map((index) => list[index % list.length]!)]))

/** A change that speaks for the attempt that runs, half of the time. */
const mostlyCurrent = fc.array(fc.tuple(change, fc.boolean()), { maxLength: 60, size: 'max' })

interface Step {
  readonly before: Task
  readonly change: Change
  readonly verdict: ReturnType<typeof apply>
  readonly after: Task
}

function stepsOf(list: readonly Change[], task: Task = first): Step[] {
  const steps: Step[] = []
  let before = task
  for (const next of list) {
    const frozen = Object.freeze({ ...before })
    const verdict = apply(frozen, next)
    const after = verdict.verdict === 'applied' ? verdict.task : before
    steps.push({ before, change: next, verdict, after })
    before = after
  }
  return steps
}

function stepsOfCurrent(list: readonly (readonly [Change, boolean])[]): Step[] {
  const steps: Step[] = []
  let task = first
  for (const [next, current] of list) {
    const [step] = stepsOf([current && 'attempt' in next ? { ...next, attempt: task.attempt } : next], task)
    if (!step) continue
    steps.push(step)
    task = step.after
  }
  return steps
}

/** Checks a rule at every step, in runs of arbitrary attempts and in runs that get far. */
function always(rule: (step: Step) => void): void {
  fc.assert(
    fc.property(changes, (list) => stepsOf(list).forEach(rule)),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(mostlyCurrent, (list) => stepsOfCurrent(list).forEach(rule)),
    { numRuns: 200 },
  )
}

describe('whatever happens in whatever order, however often', () => {
  test('the version grows by one with every change, and only then', () => {
    always(({ before, verdict, after }) => {
      expect(after.version).toBe(before.version + (verdict.verdict === 'applied' ? 1 : 0))
    })
  })

  test('a final task changes only by retry', () => {
    always(({ before, change: { type }, verdict }) => {
      if (isFinal(before.state)) expect(verdict.verdict === 'applied').toBe(type === 'retry')
    })
  })

  test('the attempt never goes back, and grows by one with each claim only', () => {
    always(({ before, change: { type }, verdict, after }) => {
      const started = type === 'claimed' && verdict.verdict === 'applied'
      expect(after.attempt).toBe(before.attempt + (started ? 1 : 0))
    })
  })

  test('what speaks for another attempt than the one that runs is superseded', () => {
    always(({ before, change: next, verdict }) => {
      if (!('attempt' in next)) return expect(verdict.verdict).not.toBe('superseded')
      const isCurrent = before.state === 'RUNNING' && next.attempt === before.attempt
      expect(verdict.verdict === 'superseded').toBe(!isCurrent)
    })
  })

  test('failures grow by one with an error, crashes with a lost lease, and only retry resets them', () => {
    always(({ before, change: { type }, verdict, after }) => {
      if (verdict.verdict !== 'applied') return
      const flagged = before.cancelRequested !== undefined
      const failures = type === 'retry' ? 0 : before.failures + (type === 'failed' && !flagged ? 1 : 0)
      const crashes = type === 'retry' ? 0 : before.crashes + (type === 'lost' && !flagged ? 1 : 0)
      expect(after).toMatchObject({ failures, crashes })
    })
  })

  test('an error ends the task exactly where no retry is left, a lost lease where no crash is', () => {
    always(({ before, change: next, verdict, after }) => {
      if (verdict.verdict !== 'applied' || before.cancelRequested) return
      if (next.type === 'failed')
        expect(after.state).toBe(next.retryAt !== undefined && before.failures < before.maxRetries ? 'QUEUED' : 'ERROR')
      if (next.type === 'lost') expect(after.state).toBe(before.crashes + 1 < before.maxCrashes ? 'QUEUED' : 'ERROR')
    })
  })

  test('a task that is not final has retries and crashes left', () => {
    always(({ after }) => {
      if (isFinal(after.state)) return
      expect(after.failures).toBeLessThanOrEqual(after.maxRetries)
      expect(after.crashes).toBeLessThan(after.maxCrashes)
    })
  })

  test('progress stays between 0 and 1 and never goes back within an attempt', () => {
    always(({ before, after }) => {
      expect(after.progress).toBeGreaterThanOrEqual(0)
      expect(after.progress).toBeLessThanOrEqual(1)
      if (before.state === 'RUNNING' && after.state === 'RUNNING')
        expect(after.progress).toBeGreaterThanOrEqual(before.progress)
      if (after.state === 'QUEUED') expect(after.progress).toBe(0)
      if (after.state === 'DONE') expect(after.progress).toBe(1)
    })
  })

  test('a result wins over a flag; any other end of a flagged attempt does what the flag asks', () => {
    always(({ before, change: { type }, verdict, after }) => {
      if (!before.cancelRequested || verdict.verdict !== 'applied' || after.state === 'RUNNING') return
      if (type === 'done') expect(after.state).toBe('DONE')
      else expect(after.state).toBe(before.cancelRequested.requeue ? 'QUEUED' : 'CANCELLED')
    })
  })

  test('a cancel ends what is queued, flags what runs, and leaves what has ended', () => {
    always(({ before, change: next, after }) => {
      if (next.type !== 'cancel') return
      if (before.state === 'QUEUED') expect(after.state).toBe(next.requeue ? 'QUEUED' : 'CANCELLED')
      else expect(after.state).toBe(before.state)
      if (before.state === 'RUNNING') expect(after.cancelRequested).toEqual({ requeue: next.requeue })
    })
  })

  test('each state has the times and flags that belong to it, and no others', () => {
    always(({ after }) => {
      expect('completedAt' in after).toBe(isFinal(after.state))
      expect('startedAt' in after).toBe(after.state === 'RUNNING' || (isFinal(after.state) && 'startedAt' in after))
      if (after.state !== 'QUEUED') expect(after).not.toHaveProperty('runAt')
      if (after.state !== 'RUNNING') expect(after).not.toHaveProperty('cancelRequested')
      expect(after.state === 'RUNNING' && after.attempt === 0).toBe(false)
    })
  })

  test('nothing else of the record ever changes', () => {
    always(({ after }) => {
      for (const field of FIXED) expect(after[field]).toEqual(first[field])
    })
  })

  test('a task does not start before it is due', () => {
    always(({ before, change: next, verdict }) => {
      if (next.type !== 'claimed' || before.state !== 'QUEUED') return
      expect(verdict.verdict === 'applied').toBe((before.runAt ?? 0) <= next.at)
    })
  })

  test('the event tells of the state that follows', () => {
    const states = {
      QueuedEvent: ['QUEUED'],
      StartedEvent: ['RUNNING'],
      ProgressEvent: ['RUNNING'],
      ErrorEvent: ['QUEUED', 'ERROR'],
      ResultEvent: ['DONE'],
      CancelEvent: ['RUNNING'],
      CancelledEvent: ['CANCELLED', 'QUEUED'],
      ResyncEvent: [],
    }
    always(({ verdict }) => {
      if (verdict.verdict !== 'applied') return
      expect(states[verdict.event]).toContain(verdict.task.state)
      expect(verdict.error !== undefined).toBe(verdict.event === 'ErrorEvent')
    })
  })

  test('the same outcome again changes nothing', () => {
    always(({ change: next, verdict, after }) => {
      if (!('attempt' in next) || verdict.verdict !== 'applied') return
      expect(apply(after, next).verdict).toBe(next.type === 'progress' ? 'unchanged' : 'superseded')
    })
  })
})

test('of two outcomes of one attempt the first wins, whichever they are', () => {
  const outcome = change.filter((next) => 'attempt' in next && next.type !== 'progress')
  fc.assert(
    fc.property(outcome, outcome, fc.option(fc.boolean()), (one, other, flag) => {
      const cancel: Change[] = flag === null ? [] : [{ type: 'cancel', at: 5, requeue: flag }]
      const running = stepsOf([{ type: 'claimed', at: 5 }, ...cancel]).at(-1)!.after
      const [a, b] = stepsOf(
        [one, other].map((next) => ({ ...next, attempt: 1 })),
        running,
      )
      expect([a?.verdict.verdict, b?.verdict.verdict]).toEqual(['applied', 'superseded'])
    }),
  )
})

test('a task that always kills its worker ends after as many starts as it may crash', () => {
  const list = Array.from({ length: 10 }, (_, index): Change[] => [
    { type: 'claimed', at: 1 },
    { type: 'lost', at: 1, attempt: index + 1 },
  ]).flat()
  const last = stepsOf(list).at(-1)?.after
  expect(last).toMatchObject({ state: 'ERROR', attempt: 3, crashes: 3, failures: 0 })
})
