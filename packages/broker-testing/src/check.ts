import { isDeepStrictEqual, inspect } from 'node:util'
import { DsError } from '@ds/core'
import type { ErrorCode } from '@ds/core'

/** A rule of the contract does not hold. */
export class CheckFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CheckFailed'
  }
}

/** Fails with the message unless the condition holds. The message says what was found instead. */
export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CheckFailed(message)
}

/** Fails unless both are deeply equal. `what` begins the message, as in `the state after a retry`. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new CheckFailed(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** Fails unless the number is at least `low` and at most `high`. */
export function between(actual: number, [low, high]: readonly [number, number], what: string): void {
  check(actual >= low && actual <= high, `${what}: expected ${low} to ${high}, got ${Math.round(actual * 10) / 10}`)
}

/** Fails unless both hold the same members the same number of times; the message names what is missing and what is too much. */
export function sameMembers(actual: readonly string[], expected: readonly string[], what: string): void {
  const missing = difference(expected, actual)
  const extra = difference(actual, expected)
  if (missing.length === 0 && extra.length === 0) return
  throw new CheckFailed(
    `${what}: ${missing.length} missing ${sample(missing)}, ${extra.length} too many ${sample(extra)}`,
  )
}

/** Fails unless the promise rejects with an error of ours that has one of the codes. Gives the error. */
export async function rejects(
  promise: Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): Promise<DsError> {
  const wanted = typeof codes === 'string' ? [codes] : codes
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    if (DsError.is(error) && wanted.includes(error.code)) return error
    throw new CheckFailed(`${what}: expected a rejection with ${wanted.join(' or ')}, got ${show(error)}`, {
      cause: error,
    })
  }
  throw new CheckFailed(
    `${what}: expected a rejection with ${wanted.join(' or ')}, but it resolved with ${show(value)}`,
  )
}

/** The like for what must throw before it returns. */
export function throwsAtOnce(call: () => unknown, code: ErrorCode, what: string): DsError {
  let value: unknown
  try {
    value = call()
  } catch (error) {
    if (DsError.is(error, code)) return error
    throw new CheckFailed(`${what}: expected ${code} to be thrown, got ${show(error)}`, { cause: error })
  }
  throw new CheckFailed(`${what}: expected ${code} to be thrown, but it gave ${show(value)}`)
}

function difference(from: readonly string[], without: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const member of without) left.set(member, (left.get(member) ?? 0) + 1)
  return from.filter((member) => {
    const count = left.get(member) ?? 0
    left.set(member, count - 1)
    return count <= 0
  })
}

function sample(members: readonly string[]): string {
  return members.length === 0 ? '' : `(${members.slice(0, 5).join(', ')}${members.length > 5 ? ', ...' : ''})`
}

/** A value on one line, not longer than a message bears. */
export function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const text = inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 200, maxArrayLength: 10 })
  return text.length > 600 ? `${text.slice(0, 600)}...` : text
}
