import { cp, mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { indexFile } from '../index-file.ts'
import { scanFolder } from '../scan.ts'
import { SearchIndex } from '../search-index/search-index.ts'
import { createDocumentClassifier, examplesFromFolder } from './document-classifier.ts'
import { BUILT_IN_EXAMPLES } from './examples/index.ts'
import { classify, trainClassifier } from './naive-bayes.ts'

test('learns from a few examples', () => {
  const classifier = trainClassifier([
    { class: 'fruit', text: 'apples and pears' },
    { class: 'fruit', text: 'sweet pears and plums' },
    { class: 'tools', text: 'hammer and nails' },
    { class: 'tools', text: 'a heavy hammer' },
  ])
  expect(classify(classifier, 'a sweet plum and a pear or two pears')[0]).toMatchObject({ class: 'fruit' })
  expect(classify(classifier, 'the hammer')[0]).toMatchObject({ class: 'tools' })
})

test('confidences add up to one, and a text without known words leaves all classes alike', () => {
  const classifier = trainClassifier(BUILT_IN_EXAMPLES)
  const answers = classify(classifier, 'zzz qqq')
  expect(answers.reduce((sum, { confidence }) => sum + confidence, 0)).toBeCloseTo(1)
  expect(answers[0]!.confidence).toBeCloseTo(1 / classifier.classes.length)
  expect(createDocumentClassifier().classify({ title: 'zzz', text: 'qqq' })).toMatchObject({ class: 'other' })
})

test('one class cannot be told from others', () => {
  expect(() => trainClassifier([{ class: 'only', text: 'x' }])).toThrow('at least two classes')
})

test('held-out examples: each is classified by what was learnt from the others', () => {
  const FOLDS = 11
  let right = 0
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const classifier = trainClassifier(BUILT_IN_EXAMPLES.filter((_example, index) => index % FOLDS !== fold))
    const heldOut = BUILT_IN_EXAMPLES.filter((_example, index) => index % FOLDS === fold)
    right += heldOut.filter(({ class: expected, text }) => classify(classifier, text)[0]!.class === expected).length
  }
  expect(right / BUILT_IN_EXAMPLES.length).toBeGreaterThan(0.85)
})

/** Whole documents of all formats, none of them among the examples. */
const SAMPLE_CLASSES: readonly (readonly [path: RegExp, expected: string])[] = [
  [/#council|minutes\//, 'minutes'],
  [/#survey|reports\//, 'report'],
  [/contracts\//, 'contract'],
  [/invoices\//, 'invoice'],
  [/mail\//, 'correspondence'],
  [/people\//, 'cv'],
  [/press\//, 'article'],
]

test('the sample documents', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'classes-'))
  using index = await SearchIndex.open(join(folder, 'index.sqlite'))
  for await (const entry of scanFolder(join(import.meta.dirname, '..', '..', 'samples'))) {
    if (entry.kind === 'file') await indexFile(index, entry.path)
  }
  const classifier = createDocumentClassifier()
  const wrong: string[] = []
  for (const id of index.ids()) {
    const document = index.document(id)!
    const expected = SAMPLE_CLASSES.find(([path]) => path.test(document.path))![1]
    const found = classifier.classify(document).class
    if (found !== expected) wrong.push(`${document.name}: ${found}, not ${expected}`)
  }
  expect(index.counts().documents).toBe(28)
  expect(wrong.length, wrong.join('; ')).toBeLessThanOrEqual(1)
  await rm(folder, { recursive: true })
})

test('learns other classes from a folder of documents, and its version follows the examples', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'examples-'))
  await mkdir(join(folder, 'recipe'))
  await writeFile(join(folder, 'recipe', 'cake.txt'), 'Beat the eggs with the sugar, add flour and bake for an hour.')
  await writeFile(join(folder, 'loose.txt'), 'In no class.')
  await expect(examplesFromFolder(folder)).rejects.toThrow('at least two folders')
  await cp(join(import.meta.dirname, '..', '..', 'samples', 'contracts'), join(folder, 'contract'), { recursive: true })
  await writeFile(join(folder, 'contract', 'broken.pdf'), '%PDF-1.7 broken')
  const examples = await examplesFromFolder(folder)
  expect(examples.map((example) => example.class)).toEqual(['contract', 'contract', 'contract', 'contract', 'recipe'])
  const classifier = createDocumentClassifier(examples)
  expect(classifier.classes).toEqual(['contract', 'recipe'])
  const soup = { title: 'Soup', text: 'Chop an onion, add flour and sugar, beat in two eggs and bake.' }
  expect(classifier.classify(soup)).toMatchObject({ class: 'recipe' })
  expect(classifier.version).toBe(createDocumentClassifier(await examplesFromFolder(folder)).version)
  expect(classifier.version).not.toBe(createDocumentClassifier().version)
  await rm(folder, { recursive: true })
})
