import { expect, test } from 'vitest'
import { didYouMean } from './did-you-mean.ts'

const known = ['app', 'broker', 'namespace', 'retention', 'maxPayload', 'concurrency']

test.each([
  ['brokr', 'broker'],
  ['borker', 'broker'],
  ['Broker', 'broker'],
  ['maxpayload', 'maxPayload'],
  ['concurency', 'concurrency'],
  ['name_space', 'namespace'],
  ['apps', 'app'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
])('takes %s to mean %s', (word, meant) => {
  expect(didYouMean(word, known)).toBe(meant)
})

test('knows nothing where nothing is known', () => {
  expect(didYouMean('broker', [])).toBeUndefined()
})
