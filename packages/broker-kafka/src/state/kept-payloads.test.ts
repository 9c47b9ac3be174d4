import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { KeptPayloads } from './kept-payloads.ts'

/** Of all that an entry is this reads and writes three fields. */
function finished(size: number): Entry {
  const entry: Pick<Entry, 'args' | 'result' | 'size'> = { args: 'args', result: 'result', size }
  return entry as Entry
}

const hasPayloads = ({ args, result }: Entry): boolean => args !== undefined && result !== undefined

test('beyond the budget those that ended first lose what they hold', () => {
  const kept = new KeptPayloads(3000)
  const entries = [1, 2, 3, 4, 5].map(() => finished(744))
  for (const entry of entries) kept.add(entry)
  expect(entries.map(hasPayloads)).toEqual([false, false, true, true, true])
})

test('one that was taken out does not count, and one that ended again is the youngest', () => {
  const kept = new KeptPayloads(3000)
  const [first, second, third, fourth] = [finished(744), finished(744), finished(744), finished(744)]
  for (const entry of [first, second, third]) kept.add(entry)
  kept.delete(first)
  kept.add(first)
  kept.add(fourth)
  expect([first, second, third, fourth].map(hasPayloads)).toEqual([true, false, true, true])
})

test('it goes on when everything had been dropped', () => {
  const kept = new KeptPayloads(500)
  const large = finished(10_000)
  kept.add(large)
  expect(hasPayloads(large)).toBe(false)
  const [one, two] = [finished(100), finished(100)]
  kept.add(one)
  kept.add(two)
  expect([one, two].map(hasPayloads)).toEqual([false, true])
})

test('what the oldest costs to find does not grow with what was dropped before', () => {
  const kept = new KeptPayloads()
  const started = performance.now()
  for (let count = 0; count < 400_000; count += 1) kept.add(finished(210))
  // 0.2 s where this was written; looking from the start each time it took 10 s.
  expect(performance.now() - started).toBeLessThan(4000)
})
