import { BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { toBrokerError } from '../errors.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import { backoff, TooLateError, within } from './within.ts'

/** What is tried, and for how long. */
export interface Persistence {
  readonly link: KafkajsLink
  /** Milliseconds. */
  readonly patience: number
}

/** Tries again what fails because servers are away or change places, until the patience is over. Everything else rejects at once. */
export async function persist<Result>({ link, patience }: Persistence, work: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + patience
  const left = (): number => Math.max(1, deadline - Date.now())
  let last: DsError | undefined
  for (let failures = 0; ; failures += 1) {
    try {
      return await within(left(), 'A request', work())
    } catch (error) {
      const problem = toBrokerError(error, link.address)
      // That the time is over says less than what went wrong before.
      if (error instanceof TooLateError && Date.now() >= deadline) throw last ?? problem
      if (problem.code !== 'BrokerUnavailable') throw problem
      last = problem
    }
    const pause = backoff(failures)
    if (pause > left()) throw last
    await new Promise((resolve) => setTimeout(resolve, pause))
    await within(left(), 'A request', link.refresh()).catch((error: unknown) => refuse(error, link.address))
  }
}

/** What the look for servers says counts only when it is final. */
function refuse(error: unknown, address: string): void {
  const problem = toBrokerError(error, address)
  if (problem.code !== 'BrokerUnavailable') throw problem
}

/** An error that passes, for {@link persist}. */
export function unavailable(message: string, cause?: unknown): DsError {
  return new BrokerUnavailableError(message, cause === undefined ? {} : { cause })
}
