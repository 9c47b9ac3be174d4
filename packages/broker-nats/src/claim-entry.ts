import type { ConsumerOptions, Delivery } from '@ds/core'
import { ack, nak } from './acknowledge.ts'
import { decideClaim, leaseEnd } from './claim.ts'
import type { ClaimDecision } from './claim.ts'
import type { Clock } from './clock.ts'
import { decodeEntry, storedIn, UndecodableRecord } from './codec.ts'
import type { Entry, Stored } from './codec.ts'
import type { Holdings } from './holdings.ts'
import type { Link } from './link.ts'
import type { Names } from './names.ts'
import type { Parked } from './parked.ts'
import type { Payloads } from './payloads.ts'
import type { Delivered } from './pull.ts'
import type { Decision, Records } from './records.ts'
import { HANDOVER } from './topology.ts'
import { applyTo, recordAfter } from './transitions.ts'

/** What the parts of a consumer share. */
export interface ConsumerParts {
  readonly link: Link
  readonly names: Names
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
    await parkEntry(parts, candidate, error.message)
    return undefined
  }
  const { decision, stored } = await parts.records.changeOne<Claimed>({
    id: entry.id,
    known: candidate.entry.count === 1 && !candidate.doubtful ? storedIn(entry) : undefined,
    decide: (standing) => decide(parts, { candidate, ticket: entry.ticket, standing }),
  })
  if (decision.type === 'claim' && stored) return handOut(parts, candidate, stored)
  if (decision.type === 'mine') return handOut(parts, candidate, decision.stored)
  if (!candidate.doubtful) dismiss(parts, candidate.entry, decision)
  return undefined
}

/** Gives a claim back that nobody was told of, if it stands. */
export async function releaseClaim(
  { link, records, clock }: ConsumerParts,
  { entry, claim }: Candidate,
): Promise<void> {
  const { id } = decodeEntry(entry.bytes)
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

interface Question {
  readonly candidate: Candidate
  readonly ticket: string
  readonly standing: Stored | undefined
}

function decide(parts: ConsumerParts, { candidate, ticket, standing }: Question): Decision<Claimed> {
  const { claim, entry } = candidate
  const { clock, holdings, link, options } = parts
  holdings.release(claim)
  const decision = decideClaim(standing, {
    ticket,
    claim,
    lease: options.lease,
    sequence: entry.sequence,
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

async function handOut(parts: ConsumerParts, candidate: Candidate, stored: Stored): Promise<Delivery> {
  const { link, payloads, holdings, clock } = parts
  const { entry, claim } = candidate
  const { record } = stored
  const { task, args, errors } = record
  const text = 'text' in args ? args.text : ((await payloads.load(args, task)) ?? 'null')
  const left = Math.max(1, leaseEnd(record) - clock.now())
  // A longer lease is put off by whoever gets the entry next.
  if (left < HANDOVER) nak(link, entry.reply, left)
  holdings.add({ entry, claim, stored })
  const previousError = errors?.at(-1)?.error
  return {
    task,
    args: text,
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
      return
  }
}

async function parkEntry({ link, parked }: ConsumerParts, { entry }: Candidate, reason: string): Promise<void> {
  const { queue, subject, sequence, bytes, reply } = entry
  await parked.add({ id: `queue-${sequence}`, source: queue, subject, bytes, reason })
  ack(link, reply)
}
