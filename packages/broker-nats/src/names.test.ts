import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken, entrySubject, namesOf, queueOfSubject } from './names.ts'

describe('tokens', () => {
  test('any text becomes one token of a subject and comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const token = encodeToken(text)
        expect(token).toMatch(/^[A-Za-z0-9_=-]+$/)
        expect(decodeToken(token)).toBe(text)
      }),
    )
  })

  test.each(['e{}|:. *', 'é', '>', '', ' ', '=', '\u0000', '日本語', '😀'])('%j comes back', (text) => {
    expect(decodeToken(encodeToken(text))).toBe(text)
  })

  test('what stays readable stays as it is', () => {
    expect(encodeToken('batch-7_a')).toBe('batch-7_a')
    expect(encodeToken('a.b')).toBe('a=2eb')
  })

  test.each(['a.b', '=2E', '=41', '=ff', 'a='])('%j is no token of ours', (token) => {
    expect(decodeToken(token)).toBeUndefined()
  })
})

test('the queue is read back from the subject of an entry', () => {
  const names = namesOf('my-space')
  expect(queueOfSubject(names, entrySubject(names, 'high-1', 'a.b'))).toBe('high-1')
})
