import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeToken,
  delayedSubject,
  durableOf,
  encodeToken,
  entrySubject,
  markSubject,
  namesOf,
  placeInLog,
  queueOfDurable,
  queueOfSubject,
  taskSubject,
} from './names.ts'

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

const names = namesOf('my-space')

test('the queue is read back from the subject of a delayed entry', () => {
  expect(queueOfSubject(names, delayedSubject(names, 'high-1', 'a.b'))).toBe('high-1')
})

test('records, entries and marks are told apart, whatever the id and the queue are called', () => {
  expect(placeInLog(names, taskSubject(names, '=_a.b'))).toMatchObject({ kind: 'record' })
  expect(placeInLog(names, entrySubject(names, '-', '_'))).toEqual({ kind: 'entry', token: '_' })
  expect(placeInLog(names, markSubject(names, 'task'))).toMatchObject({ kind: 'mark' })
})

test('the queue is read back from the name of its consumer', () => {
  expect(queueOfDurable(durableOf('high-1'))).toBe('high-1')
  expect(queueOfDurable('mending')).toBeUndefined()
})
