import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventOf } from '../events.ts'
import type { TaskEventType } from '../events.ts'
import type { Task, TaskError } from '../tasks/task.ts'
import { decodeMessage, UndecodableError } from './wire-decode.ts'
import { encodeEvent, encodeTask, eventMessage, forPython, shutdownMessage, taskMessage } from './wire.ts'

const AT = Date.UTC(2026, 10, 24, 12, 30, 15, 250)
const created: Task = {
  schema: 1,
  id: 't1',
  name: 'hello',
  group: 'default',
  queue: 'default',
  state: 'CREATED',
  progress: 0,
  attempt: 0,
  failures: 0,
  crashes: 0,
  maxRetries: 3,
  maxCrashes: 3,
  createdAt: AT,
  version: 1,
  incarnation: 'life-1',
}
const running: Task = {
  ...created,
  state: 'RUNNING',
  progress: 0.5,
  attempt: 2,
  failures: 1,
  startedAt: AT,
  version: 5,
}
const error = {
  name: 'ValueError',
  message: 'boom',
  cause: 'TypeError: why',
  stacktrace: [{ name: 'fn', file: 'x.py', lineno: 12 }],
}

describe('for the Python side, a message is exactly', () => {
  test('Task', () => {
    expect(JSON.stringify(forPython(taskMessage(created, { greeted: 'x' })))).toBe(
      '{"id":"t1","name":"hello","args":{"greeted":"x"},"state":"CREATED","createdAt":"2026-11-24T12:30:15.250Z","retriesLeft":3,"maxRetries":3,"@type":"Task"}',
    )
  })

  test('ProgressEvent', () => {
    expect(pythonEvent('ProgressEvent')).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","progress":0.5,"@type":"ProgressEvent"}',
    )
  })

  test('ErrorEvent with its TaskError', () => {
    expect(pythonEvent('ErrorEvent', { error })).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","retriesLeft":2,"error":{"name":"ValueError","message":"boom","cause":"TypeError: why","stacktrace":[{"name":"fn","file":"x.py","lineno":12}],"@type":"TaskError"},"@type":"ErrorEvent"}',
    )
  })

  test('ErrorEvent of an error without a cause', () => {
    const bare = { name: 'E', message: 'm', stacktrace: [] }
    expect(pythonEvent('ErrorEvent', { error: bare })).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","retriesLeft":2,"error":{"name":"E","message":"m","stacktrace":[],"@type":"TaskError"},"@type":"ErrorEvent"}',
    )
  })

  test('ResultEvent with its TaskResult', () => {
    const message = eventMessage(eventOf('ResultEvent', running, { at: AT }), { value: { a: 1 } })
    expect(JSON.stringify(forPython(message))).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","result":{"value":{"a":1},"@type":"TaskResult"},"@type":"ResultEvent"}',
    )
  })

  test('CancelEvent', () => {
    expect(pythonEvent('CancelEvent', { requeue: true })).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","requeue":true,"@type":"CancelEvent"}',
    )
  })

  test('CancelledEvent, which says requeue also where it is false', () => {
    expect(pythonEvent('CancelledEvent')).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","requeue":false,"@type":"CancelledEvent"}',
    )
  })

  test('ShutdownEvent', () => {
    expect(JSON.stringify(forPython(shutdownMessage(AT)))).toBe(
      '{"createdAt":"2026-11-24T12:30:15.250Z","@type":"ShutdownEvent"}',
    )
  })

  test('nothing at all for events that it does not know', () => {
    expect(forPython(eventMessage(eventOf('QueuedEvent', created, { at: AT })))).toBeUndefined()
  })
})

describe('with our own fields, a message is exactly', () => {
  test('Task, what is absent left out', () => {
    expect(encodeTask(running)).toBe(
      '{"id":"t1","name":"hello","state":"RUNNING","createdAt":"2026-11-24T12:30:15.250Z","retriesLeft":2,"maxRetries":3,' +
        '"group":"default","progress":0.5,"attempt":2,"failures":1,"crashes":0,"startedAt":"2026-11-24T12:30:15.250Z","version":5,"@type":"Task"}',
    )
  })

  test('Task with everything it can have', () => {
    const full: Task = {
      ...running,
      parentId: 'p',
      headers: { trace: 'x' },
      runAt: AT,
      completedAt: AT,
      cancelRequested: { requeue: true },
    }
    expect(encodeTask(full, [1])).toBe(
      '{"id":"t1","name":"hello","args":[1],"state":"RUNNING","createdAt":"2026-11-24T12:30:15.250Z","retriesLeft":2,"maxRetries":3,' +
        '"group":"default","parentId":"p","headers":{"trace":"x"},"progress":0.5,"attempt":2,"failures":1,"crashes":0,' +
        '"runAt":"2026-11-24T12:30:15.250Z","startedAt":"2026-11-24T12:30:15.250Z","completedAt":"2026-11-24T12:30:15.250Z",' +
        '"cancelRequested":{"requeue":true},"version":5,"@type":"Task"}',
    )
  })

  test.each(['QueuedEvent', 'StartedEvent', 'ResyncEvent'] as const)('%s', (type) => {
    expect(encodeEvent(eventOf(type, { ...running, parentId: 'p', runAt: AT }, { at: AT }))).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","name":"hello","group":"default","parentId":"p","state":"RUNNING",' +
        `"progress":0.5,"attempt":2,"retriesLeft":2,"version":5,"runAt":"2026-11-24T12:30:15.250Z","@type":"${type}"}`,
    )
  })

  test('ProgressEvent', () => {
    expect(encodeEvent(eventOf('ProgressEvent', running, { at: AT }))).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","progress":0.5,"name":"hello","group":"default","state":"RUNNING",' +
        '"attempt":2,"retriesLeft":2,"version":5,"@type":"ProgressEvent"}',
    )
  })

  test('ResultEvent of a null result', () => {
    expect(encodeEvent(eventOf('ResultEvent', running, { at: AT }), { value: null })).toBe(
      '{"taskId":"t1","createdAt":"2026-11-24T12:30:15.250Z","result":{"@type":"TaskResult"},"name":"hello","group":"default",' +
        '"state":"RUNNING","progress":0.5,"attempt":2,"retriesLeft":2,"version":5,"@type":"ResultEvent"}',
    )
  })
})

describe('decoding', () => {
  test('gives back every message that was encoded', () => {
    const types: TaskEventType[] = [
      'QueuedEvent',
      'StartedEvent',
      'ProgressEvent',
      'ErrorEvent',
      'ResultEvent',
      'CancelEvent',
      'CancelledEvent',
      'ResyncEvent',
    ]
    for (const type of types) {
      const message = eventMessage(eventOf(type, running, { at: AT, ...(type === 'ErrorEvent' && { error }) }), {
        value: 7,
      })
      expect(decodeMessage(JSON.stringify(message))).toEqual(message)
    }
    expect(decodeMessage(encodeTask(running, { a: [null, 1] }))).toEqual(taskMessage(running, { a: [null, 1] }))
    expect(decodeMessage(JSON.stringify(shutdownMessage(AT)))).toEqual(shutdownMessage(AT))
  })

  test('reads bytes, offsets other than Z, and microseconds', () => {
    const text = '{"createdAt":"2026-11-24T13:30:15.250000+01:00","@type":"ShutdownEvent"}'
    expect(decodeMessage(Buffer.from(text))).toEqual({
      createdAt: '2026-11-24T13:30:15.250000+01:00',
      '@type': 'ShutdownEvent',
    })
  })

  test('ignores unknown fields, on every level, and takes null for absent', () => {
    const text =
      '{"taskId":"t","createdAt":"2026-11-24T13:30:15Z","retriesLeft":0,"more":1,"name":null,"@type":"ErrorEvent",' +
      '"error":{"name":"E","message":"m","stacktrace":[{"name":"f","file":"x","lineno":1,"column":3}],"extra":true,"@type":"TaskError"}}'
    expect(decodeMessage(text)).toEqual({
      taskId: 't',
      createdAt: '2026-11-24T13:30:15Z',
      retriesLeft: 0,
      error: { name: 'E', message: 'm', stacktrace: [{ name: 'f', file: 'x', lineno: 1 }], '@type': 'TaskError' },
      '@type': 'ErrorEvent',
    })
  })

  test.each([
    ['text that is no JSON', 'nope', /no message/],
    ['a list', '[]', /not an object/],
    ['no type', '{}', /@type is absent/],
    ['an unknown type', '{"@type":"Nope"}', /"Nope"/],
    ['a type that is the name of a method', '{"@type":"constructor"}', /"constructor"/],
    ['a missing field', '{"@type":"ShutdownEvent"}', /createdAt is missing/],
    ['a time without an offset', '{"createdAt":"2026-11-24T13:30:15","@type":"ShutdownEvent"}', /createdAt is/],
    ['a state that does not exist', encodeTask(created).replace('CREATED', 'LOST'), /state is "LOST"/],
    [
      'a stack frame that is none',
      encodeEvent(eventOf('ErrorEvent', running, { at: AT, error })).replace(/\{"name":"fn"[^}]*\}/, '3'),
      /stacktrace is \[3\]/,
    ],
    [
      'a field of a field that is missing',
      encodeEvent(eventOf('ErrorEvent', running, { at: AT, error })).replace('"message":"boom",', ''),
      /error\.message is missing/,
    ],
  ])('refuses %s', (_what, text, why) => {
    const refusal = refusalOf(text)
    expect(refusal.reason).toBe('malformed')
    expect(refusal.message).toMatch(why)
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(refusalOf(new Uint8Array([0x22, 0xff, 0x22])).reason).toBe('malformed')
  })

  test('says of a later version that it is one', () => {
    const refusal = refusalOf('{"schema":2,"anything":"at all"}')
    expect(refusal.reason).toBe('future')
    expect(refusal.message).toMatch(/Upgrade/)
  })

  test('throws nothing but UndecodableError, whatever it is given', () => {
    const anything = fc.oneof(fc.json(), fc.string(), fc.uint8Array(), jsonWithType())
    fc.assert(
      fc.property(anything, (data) => {
        try {
          decodeMessage(data)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(UndecodableError)
        }
      }),
    )
  })
})

function jsonWithType(): fc.Arbitrary<string> {
  const type = fc.constantFrom('Task', 'ErrorEvent', 'ResultEvent', 'CancelEvent')
  return fc
    .tuple(fc.dictionary(fc.string(), fc.jsonValue()), type)
    .map(([rest, name]) => JSON.stringify({ ...rest, '@type': name }))
}

function pythonEvent(type: TaskEventType, details: { error?: TaskError; requeue?: boolean } = {}): string {
  return JSON.stringify(forPython(eventMessage(eventOf(type, running, { at: AT, ...details }))))
}

function refusalOf(data: string | Uint8Array): UndecodableError {
  try {
    decodeMessage(data)
  } catch (thrown) {
    if (thrown instanceof UndecodableError) return thrown
    throw thrown
  }
  throw new Error('it was decoded')
}
