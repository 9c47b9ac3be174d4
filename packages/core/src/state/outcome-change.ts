import type { Outcome } from '../broker/broker.ts'
import type { Change } from './state.ts'

/** What an outcome is to the state machine: the change it asks for, of this attempt, at this time of the broker's clock. */
export function changeOfOutcome(outcome: Outcome, attempt: number, at: number): Change {
  switch (outcome.type) {
    case 'retry': {
      const { error, delay, maxRetries } = outcome
      const change = { type: 'failed', at, attempt, error, retryAt: at + delay } as const
      return maxRetries === undefined ? change : { ...change, maxRetries }
    }
    case 'error':
      return { type: 'failed', at, attempt, error: outcome.error }
    case 'done':
    case 'cancelled':
    case 'released':
    case 'lost':
      return { type: outcome.type, at, attempt }
  }
}
