import { expect, test } from 'vitest'
import { MOST_AHEAD, Pace } from './pace.ts'

function paceOf(slots: number, duration: number): Pace {
  const pace = new Pace()
  pace.target(slots)
  for (let n = 0; n < 100; n += 1) pace.note(1, duration)
  return pace
}

test('as many as there are slots are claimed ahead where tasks end within a round trip', () => {
  expect(paceOf(1, 0.1).target(1)).toBe(2)
  expect(paceOf(10, 0.1).target(3)).toBe(20)
})

test('nothing is claimed ahead where tasks take longer, or nothing is known of them yet', () => {
  expect(paceOf(10, 20).target(3)).toBe(3)
  expect(new Pace().target(1)).toBe(1)
})

test('nothing is claimed ahead where there are many slots', () => {
  expect(paceOf(MOST_AHEAD, 0.1).target(7)).toBe(7)
})

test('a task that was claimed ahead for nothing ends it, until many have ended soon again', () => {
  const pace = paceOf(1, 0.1)
  pace.reset()
  expect(pace.target(1)).toBe(1)
  pace.note(10, 0.1)
  expect(pace.target(1)).toBe(1)
  pace.note(60, 0.1)
  expect(pace.target(1)).toBe(2)
})
