import { LONGEST_DELAY, milliseconds } from '../duration.ts'
import { DsError } from '../errors.ts'
import type { RetryAfter } from '../errors.ts'
import type { Duration } from '../duration.ts'

/** Milliseconds to wait before the retry that follows failure number `failures` (from 1). */
export type Backoff = (failures: number, error: unknown) => number

/** A class whose errors are retried, matched by `instanceof` and, for errors that crossed a thread, by name. */
export type ErrorClass = abstract new (...args: never[]) => Error

/** Which errors are retried and after what time. */
export interface RetryPolicy {
  /** Error classes, or a test, of what is retried. Default: everything but `Fatal`. */
  readonly retryOn?: readonly ErrorClass[] | ((error: unknown) => boolean)
  readonly backoff?: Backoff
}

/** How the waits between retries grow. */
export interface BackoffOptions {
  /** The longest wait. Default: none for `fixed`, one hour for `exponential`. */
  readonly max?: Duration
  /** The share of each wait that is drawn by chance, 0 to 1. Default 0 for `fixed`, 0.2 for `exponential`. */
  readonly jitter?: number
  /** Growth from one wait to the next. Default 2. */
  readonly factor?: number
}

/** The same wait each time. */
export function fixed(wait: Duration, options: Pick<BackoffOptions, 'jitter'> = {}): Backoff {
  const base = milliseconds(wait, 'backoff')
  return () => withJitter(base, options.jitter ?? 0)
}

/** A wait that grows with each failure: `exponential('1s', { max: '1m' })` waits 1, 2, 4, ... 60 seconds, each up to a fifth shorter or longer. */
export function exponential(first: Duration, options: BackoffOptions = {}): Backoff {
  const base = milliseconds(first, 'backoff')
  const max = milliseconds(options.max ?? '1h', 'backoff max')
  const factor = options.factor ?? 2
  return (failures) => Math.min(max, withJitter(Math.min(max, base * factor ** (failures - 1)), options.jitter ?? 0.2))
}

function withJitter(wait: number, jitter: number): number {
  return Math.round(wait * (1 + jitter * (2 * Math.random() - 1)))
}

export const DEFAULT_BACKOFF: Backoff = exponential('1s', { max: '1m' })

/** What to do about an error a handler threw: the wait before the next run, or undefined when it is not to be retried. */
export function retryDelay(policy: RetryPolicy, error: unknown, failures: number): number | undefined {
  if (isRetryAfter(error)) return withinReason(milliseconds(error.delay, 'RetryAfter'))
  if (isFatal(error) || !isRetried(policy.retryOn, error)) return undefined
  return withinReason((policy.backoff ?? DEFAULT_BACKOFF)(failures, error))
}

/** A wait that every broker can keep; none for what is no number. */
function withinReason(wait: number): number {
  return Number.isNaN(wait) ? 0 : Math.ceil(Math.min(LONGEST_DELAY, Math.max(0, wait)))
}

/** Errors of ours that running again cannot mend. */
const NEVER_RETRIED = new Set(['Fatal', 'InvalidArguments', 'InvalidResult', 'NotSerializable', 'PayloadTooLarge'])

function isFatal(error: unknown): boolean {
  return DsError.is(error) && NEVER_RETRIED.has(error.code)
}

function isRetryAfter(error: unknown): error is RetryAfter {
  return DsError.is(error, 'RetryAfter') && 'delay' in error
}

function isRetried(retryOn: RetryPolicy['retryOn'], error: unknown): boolean {
  if (retryOn === undefined) return true
  if (!isClassList(retryOn)) return retryOn(error)
  return retryOn.some((errorClass) => error instanceof errorClass || nameOf(error) === errorClass.name)
}

function isClassList(retryOn: NonNullable<RetryPolicy['retryOn']>): retryOn is readonly ErrorClass[] {
  return Array.isArray(retryOn)
}

function nameOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined
}
