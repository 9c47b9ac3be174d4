import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventOf } from '../events.ts'
import type { TaskEvent } from '../events.ts'
import { Follower } from './follower.ts'
import { newRecord } from '../memory/memory-broker.ts'
import { apply } from '../state/state.ts'
import type { Change } from '../state/state.ts'
import type { Task } from '../tasks/task.ts'

const first: Task = newRecord(
  { id: 't', incarnation: 'one', name: 'n', group: 'g', queue: 'g', args: 'null', maxRetries: 9, maxCrashes: 9 },
  0,
)

/** The life of a task: its record after each change, with the event that told of it. */
function lifeOf(changes: readonly Change[]): { task: Task; event: TaskEvent }[] {
  let task = first
  const life = [{ task, event: eventOf('QueuedEvent', task, { at: 0 }) }]
  for (const change of changes) {
    const verdict = apply(task, 'attempt' in change ? { ...change, attempt: task.attempt } : change)
    if (verdict.verdict !== 'applied') continue
    task = verdict.task
    life.push({ task, event: eventOf(verdict.event, task, { at: change.at }) })
  }
  return life
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>({ type: 'claimed', at: 1 }),
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((progress): Change => ({ type: 'progress', at: 1, attempt: 0, progress })),
  fc.constant<Change>({ type: 'released', at: 1, attempt: 0 }),
)

describe('a follower', () => {
  test('tells what the snapshot says, then every later event once, wherever the snapshot falls among the events', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 30, size: 'max' }),
        fc.nat(),
        fc.nat(),
        (changes, snapshotAt, arrivesAt) => {
          const life = lifeOf(changes)
          const read = snapshotAt % life.length
          // What was read arrives when further events may have come already.
          const arrives = read + (arrivesAt % (life.length - read))
          const told: TaskEvent[] = []
          const follower = new Follower('t', { onNews: (event) => told.push(event), onEnd: () => undefined })
          for (const { event } of life.slice(0, arrives + 1)) follower.hear(event)
          const snapshot = life[read]?.task ?? first
          follower.begin(snapshot)
          for (const { event } of life.slice(arrives + 1)) follower.hear(event)
          expect(told.map(({ version }) => version)).toEqual(life.slice(read).map(({ task }) => task.version))
          expect(told.map(({ state }) => state)).toEqual(life.slice(read).map(({ task }) => task.state))
        },
      ),
    )
  })

  test('drops events that come twice or late', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 20, size: 'max' }),
        fc.array(fc.nat(), { maxLength: 60, size: 'max' }),
        (changes, order) => {
          const life = lifeOf(changes)
          const told: number[] = []
          const follower = new Follower('t', { onNews: ({ version }) => told.push(version), onEnd: () => undefined })
          follower.begin(first)
          for (const index of order) follower.hear(life[index % life.length]!.event)
          expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
        },
      ),
    )
  })

  test('takes a later snapshot for news where it is newer, or another life of the id', () => {
    const told: string[] = []
    const follower = new Follower('t', {
      onNews: ({ type, version }) => told.push(`${type} ${version}`),
      onEnd: () => undefined,
    })
    follower.refresh({ ...first, version: 9 }, true)
    follower.begin({ ...first, version: 5 })
    follower.refresh({ ...first, version: 5 }, false)
    follower.refresh({ ...first, version: 4 }, true)
    expect(told).toEqual(['QueuedEvent 5'])
    follower.refresh({ ...first, version: 5 }, true)
    follower.refresh({ ...first, version: 7 }, false)
    follower.refresh({ ...first, version: 1, incarnation: 'two' }, false)
    expect(told.slice(1)).toEqual(['ResyncEvent 5', 'ResyncEvent 7', 'ResyncEvent 1'])
  })
})
