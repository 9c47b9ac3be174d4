import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Linger } from './linger.ts'

const never = (): never => {
  throw new Error('nothing waits')
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('whoever is alone never waits', () => {
  const linger = new Linger()
  for (let round = 0; round < 5; round += 1) expect(linger.maySend(1, never)).toBe(true)
})

test('a few that come shortly after many wait a moment, and then go alone', () => {
  const linger = new Linger()
  const goOn = vi.fn()
  expect(linger.maySend(20, never)).toBe(true)
  expect(linger.maySend(2, goOn)).toBe(false)
  expect(linger.maySend(3, goOn)).toBe(false)
  vi.advanceTimersByTime(5)
  expect(goOn).toHaveBeenCalledTimes(1)
  expect(linger.maySend(3, never)).toBe(true)
  // The three are what the next ones are compared with.
  expect(linger.maySend(1, never)).toBe(true)
})

test('they go at once when others join them', () => {
  const linger = new Linger()
  const goOn = vi.fn()
  linger.maySend(20, never)
  expect(linger.maySend(2, goOn)).toBe(false)
  expect(linger.maySend(19, never)).toBe(true)
  vi.advanceTimersByTime(100)
  expect(goOn).not.toHaveBeenCalled()
})

test('what was sent long ago holds nobody back', () => {
  const linger = new Linger()
  linger.maySend(1000, never)
  vi.advanceTimersByTime(51)
  expect(linger.maySend(1, never)).toBe(true)
})
