import type { NewTask } from '@ds/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeEvents,
  decodeKind,
  decodeTask,
  decodeToken,
  decodeWord,
  encodeKind,
  encodeToken,
  encodeWord,
  entryOf,
  headOf,
  timeOf,
  UndecodableError,
} from './codec.ts'

const asked: NewTask = {
  id: 'id',
  incarnation: 'life',
  name: 'greet',
  group: 'io',
  queue: 'io',
  args: '{}',
  maxRetries: 3,
  maxCrashes: 2,
  parentId: 'parent',
}
const kind = encodeKind(asked)
const record = '1 R 2 life claim 1700000000000-5 1600000000000 7 1 0 0.25 1700000000001 - - r'

describe('a task', () => {
  test('is put together from its record, its kind and its headers', () => {
    expect(decodeTask({ id: 'id', record, kind, headers: '{"trace":"x"}' })).toEqual({
      schema: 1,
      id: 'id',
      name: 'greet',
      group: 'io',
      queue: 'io',
      parentId: 'parent',
      headers: { trace: 'x' },
      state: 'RUNNING',
      progress: 0.25,
      attempt: 2,
      failures: 1,
      crashes: 0,
      maxRetries: 3,
      maxCrashes: 2,
      createdAt: 1_600_000_000_000,
      startedAt: 1_700_000_000_001,
      cancelRequested: { requeue: true },
      version: 7,
      incarnation: 'life',
    })
  })

  test('has no field for what is absent', () => {
    const { parentId: _parent, ...alone } = asked
    const queued = '1 Q 0 life - - 1600000000000 1 0 0 0 - - - -'
    const task = decodeTask({ id: 'id', record: queued, kind: encodeKind(alone), headers: '' })
    for (const field of ['parentId', 'headers', 'startedAt', 'completedAt', 'runAt', 'cancelRequested'])
      expect(task).not.toHaveProperty(field)
  })

  test.each([
    ['bytes', '\u00ff\u00fe', 'cannot be decoded'],
    ['nothing', '', 'cannot be decoded'],
    ['a record that is cut off', record.slice(0, 40), 'cannot be decoded'],
    ['an unknown state', record.replace(' R ', ' X '), 'cannot be decoded'],
    ['a version to come', record.replace(/^1/, '2'), 'newer version of this package (format 2)'],
  ])('is refused when its record is %s', (_what, broken, reason) => {
    const decode = (): unknown => decodeTask({ id: 'id', record: broken, kind, headers: '' })
    expect(decode).toThrow(UndecodableError)
    expect(decode).toThrow(reason)
  })

  test.each(['', 'null', '{"name":"greet"}', '{"half": '])('is refused when its kind is %j', (broken) => {
    expect(() => decodeTask({ id: 'id', record, kind: broken, headers: '' })).toThrow(UndecodableError)
  })

  test('is refused when its headers are cut off', () => {
    expect(() => decodeTask({ id: 'id', record, kind, headers: '{"a' })).toThrow(UndecodableError)
  })
})

describe('a kind', () => {
  test('is the same text for equal tasks, whatever the order of their fields, and holds nothing of one task alone', () => {
    const { name, ...rest } = asked
    expect(encodeKind({ ...rest, name, id: 'other', incarnation: 'other', args: '[]' })).toBe(kind)
  })

  test('ignores fields that nobody knows', () => {
    const more = JSON.stringify({ ...(JSON.parse(kind) as object), mood: 'good' })
    expect(decodeKind(more)).toEqual(decodeKind(kind))
  })
})

test('any text is a word without spaces, and comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const word = encodeWord(text)
      expect(word).toMatch(/^\S+$/)
      expect(decodeWord(word)).toBe(text)
    }),
  )
})

test('a token is the head of the record and the queue, and names the entry', () => {
  const token = encodeToken(record, 'io')
  const { head, queue } = decodeToken(token)
  expect(queue).toBe('io')
  expect(head).toBe('1 R 2 life claim 1700000000000-5 ')
  expect(record.startsWith(head)).toBe(true)
  expect(entryOf(headOf(record))).toBe('1700000000000-5')
})

describe('the events of an entry', () => {
  const text = (letter: string, left: string, failure?: object): string =>
    [letter + left, kind, ...(failure ? [JSON.stringify(failure)] : [])].join('\n')

  test('tell what the record says', () => {
    expect(decodeEvents(['id', text('P', record)], 9)).toEqual([
      {
        type: 'ProgressEvent',
        taskId: 'id',
        name: 'greet',
        group: 'io',
        parentId: 'parent',
        state: 'RUNNING',
        progress: 0.25,
        attempt: 2,
        retriesLeft: 2,
        version: 7,
        createdAt: 9,
      },
    ])
  })

  test('say only once what is common to those that follow each other', () => {
    const events = decodeEvents(['one', text('P', record), 'two', `P${record}`, 'three', `P${record}`], 9)
    expect(events.map(({ taskId, name }) => [taskId, name])).toEqual([
      ['one', 'greet'],
      ['two', 'greet'],
      ['three', 'greet'],
    ])
  })

  test('carry an error on a line of its own', () => {
    const error = { name: 'Error', message: 'two\nlines', stacktrace: [] }
    expect(decodeEvents(['id', text('E', record, error)], 9)[0]?.error).toEqual(error)
  })

  test.each([
    ['C', record, true],
    ['C', record.replace(/r$/, 'c'), false],
    ['X', record.replace(' R ', ' Q '), true],
    ['X', record.replace(' R ', ' C '), false],
  ])('of letter %s say whether the task is to go back to its queue', (letter, left, requeue) => {
    expect(decodeEvents(['id', text(letter, left)], 9)[0]?.requeue).toBe(requeue)
  })

  test('leave out what is none', () => {
    const foreign = ['a', '', 'b', 'hello', 'c', '?1 R', 'd', `E${record}\n${kind}\n{"half`]
    expect(decodeEvents([...foreign, 'id', text('P', record)], 9).map(({ taskId }) => taskId)).toEqual(['id'])
  })
})

test('the id of an entry says when it was written', () => {
  expect(timeOf('1700000000000-5')).toBe(1_700_000_000_000)
})
