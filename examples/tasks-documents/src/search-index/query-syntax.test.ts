import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import fc from 'fast-check'
import { parseQuery, QuerySyntaxError } from './query-syntax.ts'

const database = new DatabaseSync(':memory:')
database.exec(`CREATE VIRTUAL TABLE docs USING fts5(title, name, text, tokenize = 'unicode61 remove_diacritics 2')`)
const TEXTS = [
  'the red fox',
  'the blue fox',
  'red and blue élan',
  'mail ann@x.example about e-mail',
  'contract-12 and contraband',
]
TEXTS.forEach((text, index) => database.prepare('INSERT INTO docs VALUES (?, ?, ?)').run(`title ${index}`, 'n', text))
afterAll(() => database.close())

function matches(query: string): number[] {
  const rows = database
    .prepare('SELECT rowid - 1 AS row FROM docs WHERE docs MATCH ? ORDER BY rowid')
    .all(parseQuery(query))
  return rows.map(({ row }) => Number(row))
}

test.each([
  ['red fox', [0]],
  ['red OR fox', [0, 1, 2]],
  ['red AND blue', [2]],
  ['fox NOT red', [1]],
  ['fox -red', [1]],
  ['-red fox', [1]],
  ['fox AND NOT red', [1]],
  ['(red OR blue) fox', [0, 1]],
  ['red (fox OR élan)', [0, 2]],
  ['ELAN', [2]],
  ['"red fox"', [0]],
  ['"fox red"', []],
  ['contra*', [4]],
  ['contract-12', [4]],
  ['ann@x.example', [3]],
  ['e-mail', [3]],
  ['title:3', [3]],
  ['title:"title 2" red', [2]],
  ['unknown:field', []],
  ['red - blue', [2]],
  ['red & blue', [2]],
  ["fox's OR élan", [2]],
])('%s', (query, expected) => {
  expect(matches(query)).toEqual(expected)
})

test.each([
  ['', 'No words', 0],
  ['  ', 'No words', 0],
  ['& ...', 'No words', 0],
  ['"never closed', 'never closed', 0],
  ['red "never closed', 'never closed', 4],
  ['(red OR blue', 'never closed', 0],
  ['red)', 'without its opening', 3],
  ['red OR', 'expected before the end', 6],
  ['OR red', 'expected before "OR"', 0],
  ['red AND AND blue', 'expected before "AND"', 8],
  ['()', 'expected before ")"', 1],
  ['-red', 'Only says what to leave out', 0],
  ['fox OR (NOT red)', 'Only says what to leave out', 8],
])('%s is refused', (query, message, position) => {
  const error: unknown = (() => {
    try {
      return parseQuery(query)
    } catch (reason) {
      return reason
    }
  })()
  expect(error).toBeInstanceOf(QuerySyntaxError)
  expect(error).toMatchObject({ message: expect.stringContaining(message) as string, position })
})

test('long and deep queries work up to a limit and are refused beyond it', () => {
  expect(matches(Array.from({ length: 450 }, () => 'fox').join(' '))).toEqual([0, 1])
  expect(matches(Array.from({ length: 330 }, (_, index) => `w${index % 10}`).join(' OR '))).toEqual([])
  expect(matches(`${'('.repeat(20)}fox${')'.repeat(20)}`)).toEqual([0, 1])
  expect(matches(`${'a OR (b -('.repeat(10)}fox${'))'.repeat(10)}`)).toEqual([])
  expect(() => parseQuery(`${'('.repeat(21)}fox${')'.repeat(21)}`)).toThrow('20 parentheses deep')
  expect(() => parseQuery('x'.repeat(2001))).toThrow('Longer than 2000')
})

test('whatever is typed, the index understands it or the parser refuses it', () => {
  const piece = fc.constantFrom(
    'red',
    '"',
    '(',
    ')',
    'OR',
    'AND',
    'NOT',
    '-',
    '*',
    ':',
    'title:',
    "'",
    '^',
    '+',
    '{',
    'NEAR',
    ' ',
    'é',
    '\\',
    '\0',
  )
  const typed = fc.oneof(
    fc.array(piece).map((pieces) => pieces.join('')),
    fc.array(piece).map((pieces) => pieces.join(' ')),
    fc.string(),
  )
  fc.assert(
    fc.property(typed, (query) => {
      try {
        matches(query)
      } catch (error) {
        if (!(error instanceof QuerySyntaxError)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})
