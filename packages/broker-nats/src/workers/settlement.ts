import { changeOfOutcome, isFinal } from '@ds/core'
import type { Lease, Outcome } from '@ds/core'
import type { Slot, Stored, TaskRecord } from '../records/codec.ts'
import { applyTo, fitErrors, recordAfter } from '../records/transitions.ts'

/** What becomes of the entry once the record stands: it is done with, or it comes back after so many milliseconds. */
export type EntryFate = { readonly gone: true } | { readonly gone: false; readonly after: number }

export type SettlementDecision =
  | { readonly type: 'superseded' }
  /** It stands already: this outcome was sent before and its answer was lost. */
  | { readonly type: 'stands'; readonly fate: EntryFate }
  | { readonly type: 'write'; readonly write: TaskRecord; readonly fate: EntryFate }

export interface SettlementSituation {
  readonly lease: Lease
  readonly outcome: Outcome
  /** Of a `done`: where its result is. */
  readonly result?: Slot | undefined
  readonly now: number
  /** Bytes that a task's errors may take. */
  readonly errorLimit: number
}

/** What follows from an outcome and the record it speaks of. */
export function decideSettlement(stored: Stored | undefined, situation: SettlementSituation): SettlementDecision {
  const { lease, outcome, result, now, errorLimit } = situation
  if (!stored) return { type: 'superseded' }
  const { record } = stored
  if (record.settledBy === lease.token) return { type: 'stands', fate: fateOf(record, now) }
  if (record.claim !== lease.token) return { type: 'superseded' }
  const verdict = applyTo(record, changeOfOutcome(outcome, lease.attempt, now))
  if (verdict.verdict !== 'applied') return { type: 'superseded' }
  const next = recordAfter(record, verdict, now)
  const write: TaskRecord = {
    ...next,
    settledBy: lease.token,
    ...(verdict.task.state === 'DONE' && result && { result }),
    ...(next.errors && { errors: fitErrors(next.errors, errorLimit) }),
  }
  return { type: 'write', write, fate: fateOf(write, now) }
}

function fateOf({ task }: TaskRecord, now: number): EntryFate {
  if (isFinal(task.state)) return { gone: true }
  return { gone: false, after: Math.max(0, (task.runAt ?? now) - now) }
}
