import { DsError } from './errors.ts'
import { Patience } from './patience.ts'

/** Whether an error says that the broker did not answer, so that trying again may help. */
export function isOutage(error: unknown): boolean {
  return DsError.is(error, 'BrokerUnavailable')
}

/** Makes a call again and again while the broker is away. Rejects with any other error, and with the outage once the signal has fired. */
export async function throughOutage<Answer>(call: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const patience = new Patience()
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!isOutage(error) || signal.aborted) throw error
      await patience.wait(signal)
    }
  }
}
