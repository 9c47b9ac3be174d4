import { inspect } from 'node:util'

/** A value as a message may show it, on one line. Never throws, also for what JSON cannot say: NaN, a bigint, what is circular. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 0, breakLength: Infinity })
}
