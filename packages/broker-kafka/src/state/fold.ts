import { apply, changeOfOutcome, DsError, isFinal, MAX_ATTEMPT_ERRORS, newRecord } from '@ds/core'
import type { Change, Outcome, Payload, Task, TaskEventType, Verdict } from '@ds/core'
import type { LogEntry } from '../port/log-port.ts'
import { newEntry } from './entry.ts'
import type { Entry } from './entry.ts'
import { idOfKey } from './keys.ts'
import type { Partition, Place } from './partition.ts'
import { decodeRecord, partsOfSeal } from './records.ts'
import type {
  CancelAsked,
  Claimed,
  Decoded,
  Ended,
  Expired,
  Lost,
  Progressed,
  RemoveAsked,
  RetryAsked,
  Sealed,
  Submitted,
} from './records.ts'

/**
 * Takes the next record of the log into a partition. Every reader folds the same records in the same order and comes to the same
 * verdicts, live or years later: nothing but the records decides, not even the clock.
 */
export function fold(part: Partition, { key: bytes, value, offset, timestamp }: LogEntry): void {
  const key = bytes?.toString() ?? ''
  const place: Place = { key, offset, at: timestamp }
  if (value === null) return buried(part, place)
  const id = idOfKey(key)
  let decoded: Decoded
  try {
    decoded = decodeRecord(value)
    if (id === undefined) throw new DsError('Undecodable', 'Its key names no task')
  } catch (error) {
    return spoilt(part, place, value, error)
  }
  dispatch(part, decoded, place, id)
}

function dispatch(part: Partition, { record, payload }: Decoded, place: Place, id: string): void {
  const entry = part.entries.get(id)
  switch (record.type) {
    case 'submitted':
      return submitted(part, entry, { record, payload, place, id })
    case 'claimed':
      return claimed(part, entry, record, place)
    case 'ended':
      return ended(part, entry, { record, payload, place })
    case 'lost':
      return lost(part, entry, record, place)
    case 'progress':
      return progressed(part, entry, record, place)
    case 'cancel':
      return cancelAsked(part, entry, record, place)
    case 'retry':
      return retryAsked(part, entry, record, place)
    case 'remove':
      return removeAsked(part, entry, record, place)
    case 'expired':
      return expired(part, entry, record, place)
    case 'sealed':
      return sealed(part, entry, { record, payload, place, id })
  }
}

function submitted(
  part: Partition,
  present: Entry | undefined,
  { record, payload, place, id }: { record: Submitted; payload: Payload; place: Place; id: string },
): void {
  const { incarnation } = record
  if (present) {
    // The very record that it rests on, written over: it says the same.
    if (place.key !== present.base) bury(part, place)
    return part.listener.answered(incarnation, present.task.incarnation === incarnation ? 'created' : 'exists', present)
  }
  const { type: _type, ...fields } = record
  const task = versioned(newRecord({ ...fields, id, args: payload }, place.at), place)
  const entry = newEntry({ id, partition: part.index, task, args: payload, argsAt: place.offset, base: place.key })
  part.litter.delete(place.key)
  part.add(entry)
  part.listener.answered(incarnation, 'created', entry)
  part.listener.changed(entry, { event: 'QueuedEvent', at: place.at })
}

function claimed(part: Partition, entry: Entry | undefined, record: Claimed, place: Place): void {
  const { claim, incarnation, attempt, lease } = record
  const fits = entry?.task.incarnation === incarnation && entry.task.attempt + 1 === attempt
  if (!entry || !fits || !change(part, entry, { type: 'claimed', at: place.at }, place)) {
    bury(part, place)
    return part.listener.answered(claim, 'void', entry)
  }
  entry.claim = { name: claim, at: place.at, lease }
  part.listener.answered(claim, 'claimed', entry)
}

function ended(
  part: Partition,
  entry: Entry | undefined,
  { record, payload, place }: { record: Ended; payload: Payload; place: Place },
): void {
  if (!entry || entry.claim?.name !== record.claim) return bury(part, place)
  const outcome: Outcome = record.outcome.type === 'done' ? { type: 'done', result: payload } : record.outcome
  if (outcome.type === 'done') {
    entry.result = payload
    entry.resultAt = place.offset
    entry.size = entry.argsSize + payload.length
  }
  endClaim(part, entry, changeOfOutcome(outcome, entry.task.attempt, place.at), place)
}

function lost(part: Partition, entry: Entry | undefined, record: Lost, place: Place): void {
  if (!entry || entry.claim?.name !== record.claim) return bury(part, place)
  endClaim(part, entry, { type: 'lost', at: place.at, attempt: entry.task.attempt }, place)
}

function endClaim(part: Partition, entry: Entry, how: Change, place: Place): void {
  const claim = entry.claim?.name ?? ''
  entry.claim = undefined
  entry.progressKey = undefined
  part.listener.claimEnded(entry, claim)
  change(part, entry, how, place)
}

function progressed(part: Partition, entry: Entry | undefined, record: Progressed, place: Place): void {
  if (!entry || entry.claim?.name !== record.claim) return bury(part, place)
  const { attempt } = entry.task
  const { progress } = record
  if (!change(part, entry, { type: 'progress', at: place.at, attempt, progress }, place)) return bury(part, place)
  const former = entry.progressKey
  entry.progressKey = place.key
  if (former === undefined) return
  entry.keys = entry.keys.filter((key) => key !== former)
  part.litter.set(former, place.at)
}

function cancelAsked(part: Partition, entry: Entry | undefined, record: CancelAsked, place: Place): void {
  const { nonce, incarnation, requeue } = record
  const same = entry?.task.incarnation === incarnation ? entry : undefined
  const before = same?.task.state
  const applied = same !== undefined && change(part, same, { type: 'cancel', at: place.at, requeue }, place)
  if (!applied) bury(part, place)
  part.listener.answered(nonce, cancelAnswer(before, requeue), same)
}

function cancelAnswer(before: Task['state'] | undefined, requeue: boolean): string {
  if (before === undefined) return 'unknown'
  if (before === 'QUEUED') return requeue ? 'queued' : 'cancelled'
  if (before === 'CANCELLED') return 'cancelled'
  return before === 'RUNNING' ? 'requested' : 'finished'
}

function retryAsked(part: Partition, entry: Entry | undefined, record: RetryAsked, place: Place): void {
  const { nonce, incarnation, retry } = record
  if (!entry || entry.task.incarnation !== incarnation || entry.retriedBy === retry) {
    bury(part, place)
    return part.listener.answered(nonce, entry?.retriedBy === retry ? 'queued' : 'unknown', entry)
  }
  const applied = isFinal(entry.task.state)
  if (applied) {
    entry.result = entry.resultAt = undefined
    entry.size = entry.argsSize
    entry.retriedBy = retry
    entry.sealed = false
    change(part, entry, { type: 'retry', at: place.at }, place)
  } else bury(part, place)
  part.listener.answered(nonce, applied ? 'queued' : 'active', entry)
}

function removeAsked(part: Partition, entry: Entry | undefined, record: RemoveAsked, place: Place): void {
  const same = entry?.task.incarnation === record.incarnation ? entry : undefined
  const final = same !== undefined && isFinal(same.task.state)
  if (same && final) part.forget(same, place.at)
  // Behind the records of the task: as long as one of those stands, so does this one.
  bury(part, place)
  part.listener.answered(record.nonce, !same ? 'unknown' : final ? 'removed' : 'active')
}

function expired(part: Partition, entry: Entry | undefined, record: Expired, place: Place): void {
  const { incarnation, version } = record
  const fits = entry?.task.incarnation === incarnation && entry.task.version === version
  if (entry && fits && isFinal(entry.task.state)) part.forget(entry, place.at)
  bury(part, place)
}

function sealed(
  part: Partition,
  present: Entry | undefined,
  { record, payload, place, id }: { record: Sealed; payload: Payload; place: Place; id: string },
): void {
  const { task, nonce } = record
  const known = present?.task.incarnation === task.incarnation ? present.task.version : undefined
  if (present && (known === undefined || known > task.version)) {
    bury(part, place)
    return part.listener.answered(nonce, 'void', present)
  }
  if (present && known === task.version) {
    if (present.sealed) bury(part, place)
    else part.seal(present, place)
    return part.listener.answered(nonce, 'sealed', present)
  }
  // Records that the seal stands for were compacted away before this reader came to them.
  if (present) gone(part, present, place.at)
  const entry = fromSeal(part, { record, payload, place, id })
  part.litter.delete(place.key)
  part.add(entry)
  part.listener.answered(nonce, 'revived', entry)
  part.listener.changed(entry, { event: FINAL_EVENTS[task.state] ?? 'QueuedEvent', at: task.completedAt ?? place.at })
}

const FINAL_EVENTS: Partial<Record<Task['state'], TaskEventType>> = {
  DONE: 'ResultEvent',
  ERROR: 'ErrorEvent',
  CANCELLED: 'CancelledEvent',
}

function fromSeal(
  part: Partition,
  { record, payload, place, id }: { record: Sealed; payload: Payload; place: Place; id: string },
): Entry {
  const { task, errors, retriedBy } = record
  const { args, result } = partsOfSeal(record, payload)
  const entry = newEntry({ id, partition: part.index, task, args, argsAt: place.offset, base: place.key })
  entry.sealed = true
  entry.result = result
  entry.resultAt = result === undefined ? undefined : place.offset
  entry.size = payload.length
  entry.errors = errors === undefined ? undefined : [...errors]
  entry.retriedBy = retriedBy
  return entry
}

/** A tombstone: the record of that key is gone, and with it the task that rested on it. */
function buried(part: Partition, { key, at }: Place): void {
  part.litter.delete(key)
  part.garbage.delete(key)
  const entry = part.entries.get(idOfKey(key) ?? '')
  if (!entry) return
  if (entry.base === key) gone(part, entry, at)
  else if (entry.keys.includes(key)) entry.keys = entry.keys.filter((each) => each !== key)
}

function spoilt(part: Partition, place: Place, bytes: Buffer, error: unknown): void {
  part.garbage.set(place.key, {
    ...place,
    bytes: Buffer.from(bytes),
    reason: error instanceof Error ? error.message : String(error),
  })
  const entry = part.entries.get(idOfKey(place.key) ?? '')
  if (entry?.base === place.key) gone(part, entry, place.at)
}

function gone(part: Partition, entry: Entry, at: number): void {
  const claim = entry.claim?.name
  entry.claim = undefined
  entry.keys = entry.keys.filter((key) => key !== entry.base)
  part.forget(entry, at)
  if (claim !== undefined) part.listener.claimEnded(entry, claim)
}

/** A record that changed nothing and never will. */
function bury(part: Partition, { key, at }: Place): void {
  part.litter.set(key, at)
}

/** Applies a change, with what follows from it. False when it has no effect. */
function change(part: Partition, entry: Entry, what: Change, place: Place): boolean {
  const before = entry.task
  const verdict = apply(before, what)
  if (verdict.verdict !== 'applied') return false
  const { error } = verdict
  if (!entry.keys.includes(place.key)) entry.keys.push(place.key)
  part.litter.delete(place.key)
  if (error) {
    const attempts = [...(entry.errors ?? []), { attempt: verdict.task.attempt, at: place.at, error }]
    entry.errors = attempts.slice(-MAX_ATTEMPT_ERRORS)
  }
  part.update(entry, versioned(verdict.task, place))
  part.listener.changed(entry, {
    event: verdict.event,
    at: place.at,
    ...(error && { error }),
    ...flag(verdict, before),
  })
  return true
}

function flag({ event, task }: Extract<Verdict, { verdict: 'applied' }>, before: Task): { requeue?: boolean } {
  const isCancel: boolean = (['CancelEvent', 'CancelledEvent'] as TaskEventType[]).includes(event)
  return isCancel ? { requeue: (task.cancelRequested ?? before.cancelRequested)?.requeue ?? false } : {}
}

/** The version of a task is the place of the record that changed it last: the same for every reader. */
function versioned(task: Task, { offset }: Place): Task {
  ;(task as { version: number }).version = offset + 1
  return task
}
