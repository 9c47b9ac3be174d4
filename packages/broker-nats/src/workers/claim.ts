import { isDue, isFinal } from '@ds/core'
import { IN_FIRST_ENTRY } from '../records/codec.ts'
import type { Stored, TaskRecord } from '../records/codec.ts'
import { applyTo, eventOfRecord, recordAfter } from '../records/transitions.ts'

/** What is known of a received entry and of the consumer that received it. */
export interface ClaimSituation {
  readonly ticket: string
  /** Sequence of the entry in its stream. */
  readonly sequence: number
  /** The entry holds the args, and stays: the record need not repeat them. */
  readonly isFirst: boolean
  /** The nonce this claim was given when the entry arrived. */
  readonly claim: string
  /** Lease that the consumer asks for, in milliseconds. */
  readonly lease: number
  /** The server's clock. */
  readonly now: number
  /** The consumer may take a task that has lost a worker. */
  readonly takesSuspects: boolean
  /** Milliseconds since the connection came back, where it was broken. */
  readonly sinceReturn?: number | undefined
}

/**
 * What follows from an entry and the record it stands for.
 * `drop`: the entry is a leftover. `orphan`: of a task that is gone. `later`: give it back for so long. `mine`: claimed by a call whose answer was lost.
 * `claim`: write and hand out. `refuse`: the lease ran out; write that, and give the entry back because of another suspect.
 * `end`: the lease ran out and with it the task; write that and drop the entry.
 */
export type ClaimDecision =
  | { readonly type: 'drop' | 'orphan' }
  | { readonly type: 'later'; readonly delay: number }
  | { readonly type: 'suspect' }
  | { readonly type: 'mine'; readonly stored: Stored }
  | { readonly type: 'claim' | 'refuse' | 'end'; readonly write: TaskRecord }

const DROP: ClaimDecision = { type: 'drop' }
const ORPHAN: ClaimDecision = { type: 'orphan' }
const SUSPECT: ClaimDecision = { type: 'suspect' }

export function decideClaim(stored: Stored | undefined, situation: ClaimSituation): ClaimDecision {
  if (!stored) return ORPHAN
  if (isFinal(stored.record.task.state) || stored.record.ticket !== situation.ticket) return DROP
  return stored.record.task.state === 'QUEUED' ? ofQueued(stored.record, situation) : ofRunning(stored, situation)
}

function ofQueued(record: TaskRecord, situation: ClaimSituation): ClaimDecision {
  const { task } = record
  const { now, takesSuspects } = situation
  if (!isDue(task, now)) return { type: 'later', delay: Math.max(1, (task.runAt ?? now) - now) }
  if (task.crashes > 0 && !takesSuspects) return SUSPECT
  return { type: 'claim', write: claimed(record, situation) }
}

function ofRunning(stored: Stored, situation: ClaimSituation): ClaimDecision {
  const { record } = stored
  if (record.claim === situation.claim) return { type: 'mine', stored }
  if (record.entry !== situation.sequence && record.entry !== 0) return DROP
  const left = leaseLeft(record, situation)
  return left > 0 ? { type: 'later', delay: left } : ofLost(record, situation)
}

/** When the lease of a running task ends, by the server's clock. */
export function leaseEnd({ task, lease = 0, renewedAt = 0 }: TaskRecord): number {
  return Math.max(task.startedAt ?? 0, renewedAt) + lease
}

/**
 * What is left of a lease. The record tells it; that the entry came again says little: it does so when the lease ends, but also when a
 * nak came late, or from a server that was killed before it had written down who holds what. After a break of the connection a holder gets
 * one lease to say that it lives.
 */
function leaseLeft(record: TaskRecord, { now, sinceReturn }: ClaimSituation): number {
  const ofReturn = sinceReturn === undefined ? 0 : (record.lease ?? 0) - sinceReturn
  return Math.ceil(Math.max(leaseEnd(record) - now, ofReturn))
}

function ofLost(record: TaskRecord, situation: ClaimSituation): ClaimDecision {
  const { now, takesSuspects } = situation
  const verdict = applyTo(record, { type: 'lost', at: now, attempt: record.task.attempt })
  if (verdict.verdict !== 'applied') return DROP
  const lost = recordAfter(record, verdict, now)
  if (isFinal(lost.task.state)) return { type: 'end', write: lost }
  if (lost.task.crashes > 0 && !takesSuspects) return { type: 'refuse', write: lost }
  return { type: 'claim', write: { ...claimed(lost, situation), earlier: [eventOfRecord(lost)] } }
}

function claimed(record: TaskRecord, { now, sequence, isFirst, lease, claim }: ClaimSituation): TaskRecord {
  const verdict = applyTo(record, { type: 'claimed', at: now })
  if (verdict.verdict !== 'applied') throw new Error('a due task cannot be claimed')
  const args = isFirst && 'text' in record.args ? IN_FIRST_ENTRY : record.args
  return { ...recordAfter(record, verdict, now), args, entry: sequence, lease, claim }
}
