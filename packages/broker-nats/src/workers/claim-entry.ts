import { changeOfOutcome } from '@ds/core'
import type { ConsumerOptions, Delivery, Payload, TaskError } from '@ds/core'
import { ack, nak } from '../jetstream/acknowledge.ts'
import { decideClaim, leaseEnd } from './claim.ts'
import type { ClaimDecision } from './claim.ts'
import type { Clock } from '../jetstream/clock.ts'
import { decodeEntry, storedIn, UndecodableRecord } from '../records/codec.ts'
import type { Entry, Slot, Stored } from '../records/codec.ts'
import { deleteMessage } from '../jetstream/delete-message.ts'
import type { Holdings } from './holdings.ts'
import type { Link } from '../jetstream/link.ts'
import type { Names } from '../names.ts'
import { parkEntry } from '../records/parked.ts'
import type { Parked } from '../records/parked.ts'
import type { Payloads } from '../records/payloads.ts'
import type { Delivered } from '../jetstream/pull.ts'
import type { Queues } from '../records/queues.ts'
import type { Decision, Records } from '../records/records.ts'
import { HANDOVER } from '../jetstream/topology.ts'
import { applyTo, recordAfter } from '../records/transitions.ts'

/** What the parts of a consumer share. */
export interface ConsumerParts {
  readonly link: Link
  readonly names: Names
  readonly queues: Queues
  readonly records: Records
  readonly payloads: Payloads
  readonly parked: Parked
  readonly clock: Clock
  readonly holdings: Holdings
  readonly options: ConsumerOptions
  /** Bytes that a task's errors may take. */
  readonly errorLimit: number
}

/** An entry that is being claimed. */
export interface Candidate {
  readonly entry: Delivered
  /** Drawn when it arrived, and kept over an outage: a claim whose answer was lost is known again by it. */
  readonly claim: string
  /** Its answer was lost. The entry may be another consumer's by now, so nothing is said of it. */
  readonly doubtful: boolean
}

/** A decision, with the record as it stands where it was written. */
type Claimed = { readonly decision: ClaimDecision; readonly stored?: Stored }

/** Claims what an entry stands for. Undefined where there is nothing to hand out. Rejects over an outage: nobody knows then what stands. */
export async function claimEntry(parts: ConsumerParts, candidate: Candidate): Promise<Delivery | undefined> {
  let entry: Entry
  try {
    entry = decodeEntry(candidate.entry.bytes)
  } catch (error) {
    if (!(error instanceof UndecodableRecord)) throw error
    await parkEntry(parts, candidate.entry, error.message)
    return undefined
  }
  const { decision, stored } = await parts.records.changeOne<Claimed>({
    id: entry.id,
    known: mayBelieve(candidate) ? storedIn(entry) : undefined,
    decide: (standing) => decide(parts, { candidate, entry, standing }),
  })
  const won = decision.type === 'mine' ? decision.stored : decision.type === 'claim' ? stored : undefined
  if (won) return handOut(parts, { candidate, entry, stored: won })
  if (candidate.doubtful) return undefined
  if (decision.type === 'orphan') await dropOrphan(parts, { id: entry.id, entry: candidate.entry })
  else dismiss(parts, candidate.entry, decision)
  return undefined
}

/** Deletes an entry of a task that is gone. What belongs to a parked one waits with it. */
async function dropOrphan(
  { link, names, records }: ConsumerParts,
  { id, entry }: { id: string; entry: Delivered },
): Promise<void> {
  if (await records.isParked(id)) ack(link, entry.reply)
  else await deleteMessage(link, names.tasks, entry.sequence)
}

/** Whether what an entry says of its record is worth a try: nobody has had it before, and it cannot have been given to another meanwhile. */
function mayBelieve({ entry, doubtful }: Candidate): boolean {
  return entry.count === 1 && !doubtful && performance.now() <= entry.freshUntil
}

/** Gives a claim back that nobody was told of, if it stands. */
export async function releaseClaim(
  { link, records, clock }: ConsumerParts,
  { entry, claim }: Candidate,
): Promise<void> {
  const id = idIn(entry.bytes)
  if (id === undefined) return
  const released = await records.changeOne<boolean>({
    id,
    decide: (standing) => {
      if (standing?.record.claim !== claim) return { answer: false }
      const { attempt } = standing.record.task
      const at = clock.now()
      const verdict = applyTo(standing.record, { type: 'released', at, attempt })
      return verdict.verdict === 'applied'
        ? { write: recordAfter(standing.record, verdict, at), answer: () => true }
        : { answer: false }
    },
  })
  if (released) nak(link, entry.reply)
}

/** Undefined for garbage, whose parking was cut off: nothing was claimed by it. */
function idIn(bytes: Uint8Array): string | undefined {
  try {
    return decodeEntry(bytes).id
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}

interface Question {
  readonly candidate: Candidate
  /** What it says. */
  readonly entry: Entry
  readonly standing: Stored | undefined
}

function decide(parts: ConsumerParts, { candidate, entry, standing }: Question): Decision<Claimed> {
  const { claim } = candidate
  const { clock, holdings, link, options } = parts
  holdings.release(claim)
  const decision = decideClaim(standing, {
    ticket: entry.ticket,
    claim,
    lease: options.lease,
    sequence: candidate.entry.sequence,
    isFirst: entry.revision === 0,
    now: clock.now(),
    takesSuspects: holdings.takesSuspects,
    sinceReturn: link.returnedAt === undefined ? undefined : performance.now() - link.returnedAt,
  })
  if (decision.type === 'claim' && decision.write.task.crashes > 0) holdings.reserve(claim)
  if (decision.type === 'mine' && decision.stored.record.task.crashes > 0) holdings.reserve(claim)
  return 'write' in decision
    ? { write: decision.write, answer: (stored) => ({ decision, stored }) }
    : { answer: { decision } }
}

interface Win {
  readonly candidate: Candidate
  readonly entry: Entry
  readonly stored: Stored
}

function handOut(parts: ConsumerParts, win: Win): Delivery | Promise<Delivery | undefined> {
  const { args: kept } = win.stored.record
  const args = 'first' in kept ? win.entry.record?.args : kept
  if (args && 'text' in args) return deliveryOf(parts, win, args.text)
  return handOutLoaded(parts, win, args)
}

async function handOutLoaded(parts: ConsumerParts, win: Win, args: Slot | undefined): Promise<Delivery | undefined> {
  const text = await parts.payloads.load(args, win.stored.record.task)
  if (text !== undefined) return deliveryOf(parts, win, text)
  await endWithoutArgs(parts, win)
  return undefined
}

/** Somebody has deleted what belongs to the task: it does not run with args that are not its own. */
async function endWithoutArgs(
  { records, clock, link, holdings }: ConsumerParts,
  { candidate, stored }: Win,
): Promise<void> {
  const { entry, claim } = candidate
  const { id, attempt } = stored.record.task
  holdings.release(claim)
  await records.changeOne<undefined>({
    id,
    known: stored,
    decide: (standing) => {
      if (standing?.record.claim !== claim) return { answer: undefined }
      const at = clock.now()
      const verdict = applyTo(standing.record, changeOfOutcome({ type: 'error', error: ARGS_GONE }, attempt, at))
      if (verdict.verdict !== 'applied') return { answer: undefined }
      return { write: recordAfter(standing.record, verdict, at), answer: () => undefined }
    },
  })
  ack(link, entry.reply)
}

const ARGS_GONE: TaskError = {
  name: 'ArgsGoneError',
  message: 'The args of the task are not in its stream any more: somebody has deleted them. Submit the task anew',
  stacktrace: [],
}

function deliveryOf({ link, holdings, clock }: ConsumerParts, { candidate, stored }: Win, args: Payload): Delivery {
  const { entry, claim } = candidate
  const { task, errors } = stored.record
  const left = Math.max(1, leaseEnd(stored.record) - clock.now())
  // A longer lease is put off by whoever gets the entry next.
  if (left < HANDOVER) nak(link, entry.reply, left)
  holdings.add({ entry, claim, stored })
  const previousError = errors?.at(-1)?.error
  return {
    task,
    args,
    lease: { id: task.id, attempt: task.attempt, token: claim, expiresIn: left },
    ...(previousError && { previousError }),
  }
}

/** Lets an entry go for which nothing is handed out. */
function dismiss({ link, holdings }: ConsumerParts, { reply }: Delivered, decision: ClaimDecision): void {
  switch (decision.type) {
    case 'drop':
    case 'end':
      return ack(link, reply)
    case 'later':
      return nak(link, reply, decision.delay)
    case 'suspect':
    case 'refuse':
      return nak(link, reply, holdings.refusalWait())
    case 'claim':
    case 'mine':
    case 'orphan':
      return
  }
}
