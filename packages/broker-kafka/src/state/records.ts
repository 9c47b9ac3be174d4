import { UndecodableError } from '@ds/core'
import type { AttemptError, NewTask, Outcome, Payload, Task } from '@ds/core'

/** Everything that can stand in the state topic. The id is in the key. Each carries `schema: 1` and, as a line of its own, its payload. */
export type StateRecord =
  Submitted | Claimed | Progressed | Ended | Lost | CancelAsked | RetryAsked | RemoveAsked | Expired | Sealed

/** A task was submitted; its args are the payload. The first of an id counts. */
export type Submitted = { readonly type: 'submitted' } & Omit<NewTask, 'args' | 'id' | 'maxQueued'>
/** A consumer claims the next attempt. The first counts. */
export interface Claimed {
  readonly type: 'claimed'
  readonly incarnation: string
  readonly attempt: number
  /** Consumer and number: names this claim for ever. */
  readonly claim: string
  /** Milliseconds that the lease lasts from here, and from each heartbeat of the consumer. */
  readonly lease: number
}
/** How far the task of a claim is. */
export interface Progressed {
  readonly type: 'progress'
  readonly claim: string
  readonly progress: number
}
/** How the task of a claim ended; a result is the payload. */
export interface Ended {
  readonly type: 'ended'
  readonly claim: string
  readonly outcome: OutcomeRecord
}
/** An outcome whose result travels beside it. */
export type OutcomeRecord = Exclude<Outcome, { type: 'done' }> | { readonly type: 'done' }
/** The lease of a claim ran out. */
export interface Lost {
  readonly type: 'lost'
  readonly claim: string
}
export interface CancelAsked {
  readonly type: 'cancel'
  readonly nonce: string
  readonly incarnation: string
  readonly requeue: boolean
}
export interface RetryAsked {
  readonly type: 'retry'
  /** Of this call. */
  readonly nonce: string
  readonly incarnation: string
  /** As core drew it: the same one again changes nothing. */
  readonly retry: string
}
export interface RemoveAsked {
  readonly type: 'remove'
  readonly nonce: string
  readonly incarnation: string
}
/** The retention of a finished task is over, unless it was changed since. */
export interface Expired {
  readonly type: 'expired'
  readonly incarnation: string
  readonly version: number
}
/** A finished task as a whole: stands for all records before it. Args and result are the payload. */
export interface Sealed {
  readonly type: 'sealed'
  readonly nonce: string
  readonly task: Task
  readonly errors?: readonly AttemptError[]
  readonly retriedBy?: string
  /** Units of the payload that are args; the rest is the result. */
  readonly argsLength: number
  readonly hasResult: boolean
}

/** The two payloads that a seal holds. */
export function partsOfSeal(
  { argsLength, hasResult }: Sealed,
  payload: Payload,
): { args: Payload; result: Payload | undefined } {
  return { args: payload.slice(0, argsLength), result: hasResult ? payload.slice(argsLength) : undefined }
}

/** The newest version of records that is understood. */
const SCHEMA = 1
const LINE_END = 10
const TYPES: ReadonlySet<unknown> = new Set<StateRecord['type']>([
  'submitted',
  'claimed',
  'progress',
  'ended',
  'lost',
  'cancel',
  'retry',
  'remove',
  'expired',
  'sealed',
])

/** A record as bytes. */
export function encodeRecord(record: StateRecord, payload?: Payload): Buffer {
  const header = JSON.stringify({ schema: SCHEMA, ...record })
  return Buffer.from(payload === undefined ? header : `${header}\n${payload}`)
}

/** What was decoded. */
export interface Decoded {
  readonly record: StateRecord
  readonly payload: Payload
}

/**
 * Reads a record; fields that are not known are ignored.
 * @throws UndecodableError for what is none, and for versions from the future
 */
export function decodeRecord(value: Buffer): Decoded {
  const end = value.indexOf(LINE_END)
  const header = parse(end < 0 ? value.toString() : value.toString('utf8', 0, end))
  if (typeof header !== 'object' || header === null || !('type' in header)) throw malformed('it has no type')
  const { schema, type } = header as { schema?: unknown; type: unknown }
  if (typeof schema !== 'number') throw malformed('it does not say its version')
  if (schema > SCHEMA)
    throw new UndecodableError('future', `A record has version ${schema}; up to ${SCHEMA} are understood`)
  if (!TYPES.has(type)) throw malformed(`its type is ${JSON.stringify(type)}`)
  return { record: header as StateRecord, payload: end < 0 ? '' : value.toString('utf8', end + 1) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new UndecodableError('malformed', `This is no record: ${(error as Error).message}`, error)
  }
}

function malformed(why: string): UndecodableError {
  return new UndecodableError('malformed', `This is no record: ${why}`)
}
