import { DsError, PayloadTooLargeError } from '../errors.ts'
import type { Payload } from './task.ts'

/** Args or a result that JSON cannot say: circular, a bigint, a function. */
export class NotSerializableError extends DsError {
  constructor(what: string, cause?: unknown) {
    const why = cause instanceof Error ? `: ${cause.message.split('\n')[0]}` : ''
    super('NotSerializable', `${what} cannot be written as JSON${why}`, { fix: 'Use plain JSON values', cause })
  }
}

/**
 * JSON text of args or a result, checked against the limit before anything is sent. `undefined` becomes null. `what` begins the message, as in
 * `The args of greet`.
 * @throws NotSerializableError, PayloadTooLargeError
 */
export function encodePayload(what: string, value: unknown, limit: number): Payload {
  const text = stringify(what, value)
  // A character takes at most three bytes in UTF-8, so most texts need no counting.
  if (text.length * 3 > limit) {
    const size = Buffer.byteLength(text)
    if (size > limit) throw new PayloadTooLargeError(what, size, limit)
  }
  return text
}

function stringify(what: string, value: unknown): string {
  if (value === undefined) return 'null'
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new NotSerializableError(what, error)
  }
  if (text === undefined) throw new NotSerializableError(what, new Error(`it is a ${typeof value}`))
  return text
}

/** The value of JSON text. */
export function decodePayload(payload: Payload): unknown {
  return JSON.parse(payload) as unknown
}
