import { ConfigInvalidError } from './errors.ts'
import { shown } from './shown.ts'

/** Milliseconds, or a number with a unit: `250ms`, `30s`, `5m`, `1.5h`, `7d`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | (string & {})

/** The longest that a task may be told to wait, in milliseconds: a hundred years. Times beyond it soon leave what a date can say. */
export const LONGEST_DELAY: number = 100 * 365 * 24 * 3600 * 1000

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Milliseconds of a duration. `what` names the option in the message.
 * @throws ConfigInvalidError for anything that is not a finite, non-negative time.
 */
export function milliseconds(duration: Duration, what = 'a duration'): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(duration.trim()) : null
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2]]
  if (match && unit !== undefined) return Number(match[1]) * unit
  throw new ConfigInvalidError(`${what} is not a time: ${shown(duration)}`, {
    fix: 'Give milliseconds, or a number with ms, s, m, h or d, as in 30s',
  })
}
