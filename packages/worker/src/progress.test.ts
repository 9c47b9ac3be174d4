import { expect, it } from 'vitest'
import { createProgress } from './progress.ts'

function recorded() {
  const values: number[] = []
  let flushes = 0
  const progress = createProgress({ report: (value) => values.push(value), flush: () => (flushes += 1) })
  return { progress, values, flushes: () => flushes }
}

it('clamps values to 0 to 1', () => {
  const { progress, values } = recorded()
  progress(-1)
  progress(0.5)
  progress(7)
  expect(values).toEqual([0.5, 1])
})

it('never goes back, and takes no notice of what is not a number', () => {
  const { progress, values } = recorded()
  progress(0.5)
  progress(0.4)
  progress(NaN)
  progress(0.6)
  expect(values).toEqual([0.5, 0.6])
})

it('counts steps of a total', () => {
  const { progress, values } = recorded()
  const step = progress.of(4)
  step()
  step(2)
  step()
  expect(values).toEqual([0.25, 0.75, 1])
})

it('is complete at the first step of a total of none', () => {
  const { progress, values } = recorded()
  progress.of(0)()
  expect(values).toEqual([1])
})

it('moves a part of the range, also within a part', () => {
  const { progress, values } = recorded()
  const part = progress.scaled(0.5, 1)
  part(0.5)
  part.scaled(0.5, 1)(0.5)
  part(1)
  expect(values).toEqual([0.75, 0.875, 1])
})

it('sums weighted parts, whichever comes first', () => {
  const { progress, values } = recorded()
  const [scan, index] = progress.weighted(1, 3)
  index?.(0.5)
  scan?.(1)
  index?.(1)
  expect(values).toEqual([0.375, 0.625, 1])
})

it('counts an item of a loop when the loop comes round', async () => {
  const { progress, values } = recorded()
  const seen: [string, number, number | undefined][] = []
  for await (const [item, step] of progress.over(['a', 'b'])) seen.push([item, step, values.at(-1)])
  expect(seen).toEqual([
    ['a', 1, undefined],
    ['b', 2, 0.5],
  ])
  expect(values).toEqual([0.5, 1])
})

it('does not count the item at which a loop was left', async () => {
  const { progress, values } = recorded()
  for await (const [, step] of progress.over([1, 2, 3, 4])) if (step === 2) break
  expect(values).toEqual([0.25])
})

it('is complete after a loop over nothing', async () => {
  const { progress, values } = recorded()
  for await (const item of progress.over([])) expect.fail(`there is no item, but it gave ${String(item)}`)
  expect(values).toEqual([1])
})

it('flushes from each of its parts', () => {
  const { progress, flushes } = recorded()
  progress.flush()
  progress.scaled(0, 0.5).flush()
  progress.weighted(1, 1)[1]?.flush()
  expect(flushes()).toBe(3)
})

it('refuses ranges, totals and weights that make no sense', () => {
  const { progress } = recorded()
  expect(() => progress.scaled(0.5, 0.2)).toThrow(/not a range/)
  expect(() => progress.scaled(0, 2)).toThrow(/not a range/)
  expect(() => progress.of(-1)).toThrow(/at least 0/)
  expect(() => progress.weighted(0, 0)).toThrow(/at least one weight/)
  expect(() => progress.weighted(1, NaN)).toThrow(/at least 0/)
})
