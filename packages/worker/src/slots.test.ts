import { expect, it, vi } from 'vitest'
import { Slots } from './slots.ts'

it('offers what neither runs nor was asked for', () => {
  const slots = new Slots(3)
  expect(slots.free).toBe(3)
  slots.ask(2)
  expect(slots.free).toBe(1)
  slots.take(1)
  expect(slots.free).toBe(2)
})

it('holds at most twice as many as it runs, those with an unanswered outcome included', () => {
  const slots = new Slots(2)
  for (let task = 0; task < 4; task += 1) {
    slots.take(1)
    slots.owe()
    slots.leave()
  }
  expect(slots.free).toBe(0)
  slots.answered()
  expect(slots.free).toBe(1)
  slots.answered()
  slots.answered()
  expect(slots.free).toBe(2)
})

it('lets those that come back take free slots in the order in which they asked', async () => {
  const slots = new Slots(1)
  slots.take(1)
  const order: string[] = []
  const first = slots.return().then(() => order.push('first'))
  const second = slots.return().then(() => order.push('second'))
  await Promise.resolve()
  expect(order).toEqual([])
  slots.leave()
  await first
  expect(order).toEqual(['first'])
  expect(slots.running).toBe(1)
  expect(slots.free).toBe(0)
  slots.leave()
  await second
  expect(order).toEqual(['first', 'second'])
})

it('says when one that came back took a slot that was promised to a receive under way', async () => {
  const onCrowded = vi.fn()
  const slots = new Slots(2, onCrowded)
  slots.ask(1)
  await slots.return()
  expect(onCrowded).not.toHaveBeenCalled()
  await slots.return()
  expect(onCrowded).toHaveBeenCalledOnce()
})
