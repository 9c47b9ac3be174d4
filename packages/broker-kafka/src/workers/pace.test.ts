import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Pace } from './pace.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** A consumer whose slots turn over so often. */
function paceOf({ slots, duration, rounds }: { slots: number; duration: number; rounds: number }): Pace {
  const pace = new Pace()
  for (let round = 0; round < rounds; round += 1) {
    pace.handedOut(slots)
    vi.advanceTimersByTime(duration)
    for (let slot = 0; slot < slots; slot += 1) pace.settled(duration)
  }
  return pace
}

test('nothing is claimed ahead where tasks take long, or nothing is known of them yet', () => {
  expect(new Pace().ahead(256)).toBe(0)
  expect(paceOf({ slots: 10, duration: 50, rounds: 50 }).ahead(256)).toBe(0)
})

test('one slot of quick tasks claims ahead what it runs in the time of a claim', () => {
  const ahead = paceOf({ slots: 1, duration: 2, rounds: 100 }).ahead(256)
  expect(ahead).toBeGreaterThan(5)
  expect(ahead).toBeLessThan(15)
})

test('many slots claim ahead although each of their tasks takes a while', () => {
  expect(paceOf({ slots: 100, duration: 20, rounds: 50 }).ahead(256)).toBeGreaterThan(50)
})

test('nothing is claimed ahead once it has been quiet for a while', () => {
  const pace = paceOf({ slots: 1, duration: 1, rounds: 100 })
  vi.advanceTimersByTime(1000)
  expect(pace.ahead(256)).toBe(0)
})
