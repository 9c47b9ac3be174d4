import { DsError } from '@ds/core'
import type { ErrorCode } from '@ds/core'

/** What the exit code of `ds` says. Printed by `ds --help`. */
export const EXIT = {
  /** It did what it was asked to. */
  done: 0,
  /** A task ended in ERROR or was cancelled, or a check found something wrong. */
  failed: 1,
  /** The call, the config, the App or an argument cannot be used. Nothing was changed. */
  misuse: 2,
  /** The broker cannot be reached, or refuses. */
  broker: 3,
  /** A bug of ds itself. */
  internal: 70,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const

const TASK_ENDED: ReadonlySet<ErrorCode> = new Set([
  'TaskFailed',
  'TaskCancelled',
  'WaitTimeout',
  'TaskActive',
  'QueueFull',
])
const BROKER: ReadonlySet<ErrorCode> = new Set([
  'BrokerUnavailable',
  'BrokerRefused',
  'BrokerMisconfigured',
  'BrokerClosed',
])

/** The exit code an error ends the program with. */
export function exitCodeOf(error: unknown): number {
  if (!DsError.is(error)) return EXIT.internal
  if (TASK_ENDED.has(error.code)) return EXIT.failed
  return BROKER.has(error.code) ? EXIT.broker : EXIT.misuse
}
