import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LongTimer } from './long-timer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const DAY = 24 * 3600 * 1000

it('is due after its time, also one longer than a Node timer takes', () => {
  const onDue = vi.fn()
  new LongTimer(60 * DAY, onDue)
  vi.advanceTimersByTime(60 * DAY - 1)
  expect(onDue).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onDue).toHaveBeenCalledOnce()
})

it('is not due once it was cleared, also half-way', () => {
  const onDue = vi.fn()
  const timer = new LongTimer(60 * DAY, onDue)
  vi.advanceTimersByTime(30 * DAY)
  timer.clear()
  vi.advanceTimersByTime(60 * DAY)
  expect(onDue).not.toHaveBeenCalled()
})
