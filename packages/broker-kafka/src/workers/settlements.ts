import { BrokerUnavailableError, DsError } from '@ds/core'
import type { Outcome, Payload, Result, SettleAnswer, Settlement } from '@ds/core'
import type { Parts } from '../parts.ts'
import type { OutcomeRecord } from '../state/records.ts'
import type { StateWrite } from '../state/state-view.ts'
import type { Holding, Holdings } from './holdings.ts'

/** Of whom and for whom something is settled. */
export interface Holder {
  readonly parts: Parts
  readonly holdings: Holdings
}

const RECORDED: Result<SettleAnswer> = { ok: true, value: 'recorded' }
const SUPERSEDED: Result<SettleAnswer> = { ok: true, value: 'superseded' }

/** Writes outcomes; the answer comes when they are durable, and the log decides. What is held no more is not written at all. */
export async function settleAll(
  { parts, holdings }: Holder,
  items: readonly Settlement[],
): Promise<Result<SettleAnswer>[]> {
  const open: Holding[] = []
  const writes: StateWrite[] = []
  const answers = items.map(({ lease, outcome }) => {
    const holding = holdings.get(lease.token)
    if (!holding || holding.settled) return SUPERSEDED
    holding.settled = true
    open.push(holding)
    writes.push(writeOf(holding, outcome))
    return RECORDED
  })
  if (writes.length === 0) return answers
  try {
    await parts.view.write(writes)
    return answers
  } catch (error) {
    for (const holding of open) holding.settled = false
    const failed: Result<SettleAnswer> = { ok: false, error: asDsError(error) }
    return answers.map((answer) => (answer === RECORDED ? failed : answer))
  }
}

function writeOf({ entry, claim }: Holding, outcome: Outcome): StateWrite {
  const { id, partition } = entry
  const [record, payload] = apart(outcome)
  return {
    id,
    partition,
    record: { type: 'ended', claim, outcome: record },
    ...(payload !== undefined && { payload }),
  }
}

function apart(outcome: Outcome): [OutcomeRecord, Payload?] {
  return outcome.type === 'done' ? [{ type: 'done' }, outcome.result] : [outcome]
}

function asDsError(error: unknown): DsError {
  if (DsError.is(error)) return error
  return new BrokerUnavailableError('An outcome could not be written to Kafka', { cause: error })
}
