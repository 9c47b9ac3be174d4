import { expect, test } from 'vitest'
import { findTags, type FindTagsOptions } from './find-tags.ts'

/** An index of a hundred documents: these words stand in so many of them, all others in one. */
function inIndex(frequencies: Record<string, number>, more: Partial<FindTagsOptions> = {}): FindTagsOptions {
  return { documents: 100, frequency: (word) => frequencies[word] ?? 1, ...more }
}

function tagsOf(text: string, options = inIndex({})): string[] {
  return findTags(text, options).map(({ tag }) => tag)
}

test('a phrase that is said again comes first, and its words are not said once more', () => {
  const text =
    'The water quality is poor. Last year the water quality was good. The mayor was told about the water quality.'
  const tags = tagsOf(text)
  expect(tags[0]).toBe('water quality')
  expect(tags).not.toContain('water')
})

test('words that stand in every document of the index are no tags', () => {
  const text = 'A contract about turbines. The contract names turbines of the contract.'
  expect(tagsOf(text)[0]).toBe('contract')
  expect(tagsOf(text, inIndex({ contract: 100 }))).toEqual(['turbines'])
})

test('the title counts more than the text', () => {
  const text = 'One lighthouse, one ferry.'
  expect(tagsOf(text, inIndex({}, { title: 'The ferry' }))[0]).toBe('ferry')
})

test('keeps accents, leaves out French stop words, articles and verbs', () => {
  const text =
    "Le marché public et l'avenant. Le marché public prévoit des pénalités. L'avenant modifie le marché public."
  expect(tagsOf(text, inIndex({}, { language: 'fr' })).slice(0, 2)).toEqual(['marché public', 'avenant'])
})

test('gives at most as many as asked for, best first, and none for a text of stop words', () => {
  const text = 'Ferries, turbines, anchors, harbours, lighthouses, buoys, cranes, ropes, sails and masts.'
  const tags = findTags(text, inIndex({}, { limit: 3 }))
  expect(tags).toHaveLength(3)
  expect(tags.map(({ weight }) => weight)).toEqual(
    tags.map(({ weight }) => weight).toSorted((one, other) => other - one),
  )
  expect(tagsOf('It is what it was, and 12 of 40.')).toEqual([])
})
