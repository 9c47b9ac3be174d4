import { describe, expect, test } from 'vitest'
import { Fatal } from '../errors.ts'
import { MAX_ERROR_TEXT, MAX_STACK_FRAMES, shorten, toTaskError } from './task-error.ts'

describe('toTaskError', () => {
  test('keeps name, message and the place where it was thrown', () => {
    const { name, message, stacktrace } = toTaskError(new TypeError('no such folder'))
    expect({ name, message }).toEqual({ name: 'TypeError', message: 'no such folder' })
    expect(stacktrace[0]?.file).toBe(import.meta.filename)
    expect(stacktrace[0]?.lineno).toBeGreaterThan(0)
  })

  test('takes the code of our own errors for their name', () => {
    expect(toTaskError(new Fatal('stop')).name).toBe('Fatal')
  })

  test('takes the name of a class where an error has none of its own', () => {
    class ConnectionError extends Error {}
    expect(toTaskError(new ConnectionError('x')).name).toBe('ConnectionError')
  })

  test('flattens the chain of causes', () => {
    const error = new Error('outer', { cause: new TypeError('middle', { cause: 'just text' }) })
    expect(toTaskError(error).cause).toBe('TypeError: middle; caused by just text')
  })

  test('names what an AggregateError gathers', () => {
    const error = new AggregateError([new Error('first'), new RangeError('second')], 'both failed')
    expect(toTaskError(error)).toMatchObject({ message: 'both failed', cause: 'Error: first, RangeError: second' })
  })

  test('ends where causes go round in a circle', () => {
    const first = new Error('first')
    const second = new Error('second', { cause: first })
    first.cause = second
    expect(toTaskError(first).cause).toBe('Error: second')
  })

  test.each([
    ['a text', 'boom', 'Error', 'boom'],
    ['null', null, 'Error', 'null was thrown'],
    ['undefined', undefined, 'Error', 'undefined was thrown'],
    ['a number', 42, 'Error', '42 was thrown'],
    ['a symbol', Symbol('x'), 'Error', 'Symbol(x) was thrown'],
    ['a plain object', { status: 500 }, 'Object', '{"status":500}'],
    ['an object without a prototype', Object.create(null) as unknown, 'Error', '{}'],
    ['an object like an error', { name: 'Custom', message: 'hi' }, 'Custom', 'hi'],
    ['an error without a message', new Error(), 'Error', ''],
  ])('survives %s', (...[, thrown, name, message]) => {
    expect(toTaskError(thrown)).toMatchObject({ name, message })
  })

  test('survives getters that throw and objects that cannot be written', () => {
    const hostile = {
      get name(): string {
        throw new Error('name')
      },
      get message(): string {
        throw new Error('message')
      },
      get stack(): string {
        throw new Error('stack')
      },
      get cause(): string {
        throw new Error('cause')
      },
      get constructor(): never {
        throw new Error('constructor')
      },
      toString(): string {
        throw new Error('toString')
      },
    }
    expect(toTaskError(hostile)).toEqual({ name: 'Error', message: 'object', stacktrace: [] })
    expect(
      toTaskError(
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('trap')
            },
          },
        ),
      ),
    ).toMatchObject({ name: 'Error', stacktrace: [] })
  })

  test('cuts message and cause to 4 KiB', () => {
    const { message, cause } = toTaskError(new Error('x'.repeat(10_000), { cause: new Error('é'.repeat(10_000)) }))
    expect(Buffer.byteLength(message)).toBe(MAX_ERROR_TEXT)
    expect(Buffer.byteLength(cause ?? '')).toBeLessThanOrEqual(MAX_ERROR_TEXT)
  })

  test('keeps the innermost 50 frames', () => {
    const error = new Error('deep')
    error.stack = [
      'Error: deep',
      ...Array.from({ length: 80 }, (_, index) => `    at f${index} (/x/y.js:${index + 1}:2)`),
    ].join('\n')
    const { stacktrace } = toTaskError(error)
    expect(stacktrace).toHaveLength(MAX_STACK_FRAMES)
    expect(stacktrace[0]).toEqual({ name: 'f0', file: '/x/y.js', lineno: 1 })
  })

  test.each([
    ['    at run (file:///app/my%20tasks.ts:12:3)', { name: 'run', file: '/app/my tasks.ts', lineno: 12 }],
    ['    at async Promise.all (index 0)', undefined],
    ['    at async run (/app/a.js:1:2)', { name: 'run', file: '/app/a.js', lineno: 1 }],
    ['    at async file:///app/a.js:3:2', { name: '<anonymous>', file: '/app/a.js', lineno: 3 }],
    ['    at file:///app/a.js:3:2', { name: '<anonymous>', file: '/app/a.js', lineno: 3 }],
    ['    at new Index (/app/a.js:3:2)', { name: 'new Index', file: '/app/a.js', lineno: 3 }],
    ['    at Object.<anonymous> (/app/a.js:3:2)', { name: 'Object.<anonymous>', file: '/app/a.js', lineno: 3 }],
    ['    at Index.add [as put] (/app/a.js:3:2)', { name: 'Index.add [as put]', file: '/app/a.js', lineno: 3 }],
    [
      '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      { name: 'process.processTicksAndRejections', file: 'node:internal/process/task_queues', lineno: 105 },
    ],
    ['    at JSON.parse (<anonymous>)', undefined],
    ['    at open (C:\\app\\a.js:3:2)', { name: 'open', file: 'C:\\app\\a.js', lineno: 3 }],
  ])('reads the frame %s', (line, expected) => {
    const error = new Error('x')
    error.stack = `Error: x\n${line}`
    expect(toTaskError(error).stacktrace).toEqual(expected ? [expected] : [])
  })

  test('does not take long over a stack that was made to be slow', () => {
    const error = new Error('x')
    error.stack = `Error: x\n    at ${'a ('.repeat(20_000)}\n`.repeat(5)
    const start = performance.now()
    toTaskError(error)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('shorten', () => {
  test.each(['é', '漢', '🙂'])('never splits %s', (character) => {
    for (let lead = 0; lead < 4; lead += 1) {
      const cut = shorten('x'.repeat(lead) + character.repeat(MAX_ERROR_TEXT))
      expect(Buffer.byteLength(cut)).toBeGreaterThan(MAX_ERROR_TEXT - 4)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(MAX_ERROR_TEXT)
      expect(cut.endsWith(character)).toBe(true)
    }
  })

  test('leaves what fits', () => {
    expect(shorten('é'.repeat(MAX_ERROR_TEXT / 2))).toHaveLength(MAX_ERROR_TEXT / 2)
  })

  test('gives well-formed text of half a character', () => {
    expect(shorten('a\ud83d')).toBe('a\ufffd')
  })
})
