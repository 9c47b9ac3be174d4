import { DsError } from '@ds/core'
import type { Logger } from '@ds/core'
import { pause } from './within.ts'

const FIRST_WAIT = 500
const LONGEST_WAIT = 15_000

/**
 * Does a step that needs the broker, and does it again while that cannot be reached: a worker may be started before its server. Says so,
 * and says when it is back. Undefined when the signal fires first; rejects with what trying again does not mend.
 */
export async function untilReachable<Value>(
  step: () => Promise<Value>,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
): Promise<Value | undefined> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const value = await step()
      if (tries > 0) logger.info('The broker can be reached')
      return value
    } catch (error) {
      if (signal.aborted) return undefined
      if (!DsError.is(error, 'BrokerUnavailable')) throw error
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries)
      logger.warn(`${error.message}. Trying again in ${wait / 1000} s`)
      await pause(wait, signal)
    }
  }
  return undefined
}
