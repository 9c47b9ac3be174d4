import { expect, test } from 'vitest'
import type { Entity, EntityType } from './entity.ts'
import { findEntities, type FindEntitiesOptions } from './find-entities.ts'
import { LABELLED_PASSAGES } from '../../fixtures/labelled-passages.ts'

async function values(text: string, type: EntityType, options: FindEntitiesOptions = {}): Promise<string[]> {
  return (await findEntities(text, options)).filter((entity) => entity.type === type).map(({ value }) => value)
}

test('gives every mention its place in the text', async () => {
  const text = 'Write to Ann@Mail.example.\n\nThen again to ann@mail.example, or to +44 20 7946 0123.'
  const entities = await findEntities(text)
  expect(entities).toEqual([
    { type: 'email', value: 'ann@mail.example', count: 2, offsets: [9, 42] },
    { type: 'phone', value: '+442079460123', count: 1, offsets: [text.indexOf('+44')] },
  ])
})

test('a surname or a first name alone joins the one person who bears it', async () => {
  const text = 'Tomas Varga came late. Mr. Varga said nothing. Later Mr. Tomas Varga left with Anna Keller.'
  const people = (await findEntities(text)).filter(({ type }) => type === 'person')
  expect(people).toMatchObject([
    { value: 'Tomas Varga', count: 3, offsets: [0, 27, 57] },
    { value: 'Anna Keller', count: 1 },
  ])
})

test('a surname that two people bear joins neither', async () => {
  const text = 'Tomas Varga met Elena Varga. Mr. Varga spoke first.'
  expect(await values(text, 'person')).toEqual(['Tomas Varga', 'Elena Varga', 'Varga'])
})

test('spellings of one name are one entity', async () => {
  const text = 'BELMAR DREDGING Ltd wrote. Belmar Dredging Ltd answered. The World Bank paid; World Bank staff agreed.'
  expect(await values(text, 'organisation')).toEqual(['Belmar Dredging Ltd', 'World Bank'])
})

test('a name broken over two lines of a page is whole, two lines of a list stay apart', async () => {
  const wrapped = 'At the meeting that was held in the town hall last week Mr. Peter\nOsei explained the survey.'
  expect(await values(wrapped, 'person')).toEqual(['Peter Osei'])
  const list = 'Present:\nHelen Marsh\nLucie Moreau\n'
  expect(await values(list, 'person')).toEqual(['Helen Marsh', 'Lucie Moreau'])
})

test('what is certain wins: no person in an address, no phone number in a date', async () => {
  const text = 'helen.marsh@port.example wrote on 12.03.2024 at 14:00, order 2024-03-12/7.'
  expect(await values(text, 'person')).toEqual([])
  expect(await values(text, 'phone', { country: 'FR' })).toEqual([])
})

test.each([
  ['on 12 March 2024', 'en', ['2024-03-12']],
  ['March 12, 2024', 'en', ['2024-03-12']],
  ['03/04/2024', 'en', ['2024-04-03']],
  ['2024-02-29', 'en', ['2024-02-29']],
  ['in May 2024', 'en', ['2024-05']],
  ['from 5 to 9 July 2024', 'en', ['2024-07-05', '2024-07-09']],
  ['le 1er mars 2024', 'fr', ['2024-03-01']],
  ['am 3. Oktober 2023', 'de', ['2023-10-03']],
  ['el 4 de mayo de 2022', 'es', ['2022-05-04']],
  ['tomorrow, next week, on 5 May, at 10:30', 'en', []],
  ['invoice 2024-017, section 3.2.1, 11,900 m3', 'en', []],
])('dates in "%s"', async (text, language, expected) => {
  expect(await values(text, 'date', { language })).toEqual(expected)
})

test('national phone numbers are found with a country, and no number is made up without', async () => {
  expect(await values('Call 020 7946 0123.', 'phone', { country: 'gb' })).toEqual(['+442079460123'])
  expect(await values('Call 020 7946 0123.', 'phone')).toEqual([])
  expect(await values('Account 12345678901, total 1 234 567.', 'phone', { country: 'GB' })).toEqual([])
})

/** Passages that no rule was made for; what is found in them says what to expect of other texts. */
test('names in passages the rules were not made for: precision and recall', async () => {
  const score = { right: 0, wrong: 0, missed: 0 }
  for (const { text, language, names } of LABELLED_PASSAGES) {
    const entities = await findEntities(text, { language })
    countNames(score, entities, new Set(names))
  }
  const precision = score.right / (score.right + score.wrong)
  const recall = score.right / (score.right + score.missed)
  expect(precision).toBeGreaterThan(0.9)
  expect(recall).toBeGreaterThan(0.8)
})

function countNames(
  score: { right: number; wrong: number; missed: number },
  entities: Entity[],
  names: Set<string>,
): void {
  const found = entities.filter(({ type }) => type === 'person' || type === 'organisation' || type === 'place')
  for (const { type, value } of found) score[names.delete(`${type} ${value}`) ? 'right' : 'wrong'] += 1
  score.missed += names.size
}

test('long texts make progress, give way to other work, and end on an abort', async () => {
  const text = 'Helen Marsh wrote to Tomas Varga in Rotterdam about the harbour.\n'.repeat(400)
  const shares: number[] = []
  let turns = 0
  const timer = setInterval(() => (turns += 1), 1)
  const [person] = await findEntities(text, { onProgress: (share) => shares.push(share) })
  clearInterval(timer)
  expect(person).toMatchObject({ value: 'Helen Marsh', count: 400 })
  expect(person!.offsets).toHaveLength(100)
  expect(turns).toBeGreaterThan(3)
  expect(shares.length).toBeGreaterThan(5)
  expect(shares).toEqual(shares.toSorted((one, other) => one - other))
  const controller = new AbortController()
  const running = findEntities(text, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  })
  await expect(running).rejects.toThrow('enough')
})
