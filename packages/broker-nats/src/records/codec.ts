import { isFinal, STORED_STATES } from '@ds/core'
import type { AttemptError, Payload, Task, TaskError, TaskEvent, TaskEventType } from '@ds/core'

/**
 * A payload in the record, or the name of the part that it is stored under apart from it. Args may be in the first entry alone, which stays
 * for as long as the task does.
 */
export type Slot = { readonly text: Payload } | { readonly blob: string } | typeof IN_FIRST_ENTRY

export const IN_FIRST_ENTRY = { first: true } as const

/** What a change was, for those who listen. The rest of the event is the task itself. */
export interface ChangeNote {
  readonly type: TaskEventType
  readonly at: number
  readonly error?: TaskError
  readonly requeue?: boolean
}

/**
 * What is stored of a task: one message, the newest of its subject. Its sequence in the stream is its revision. The log of these
 * messages is also the log of events.
 */
export interface TaskRecord {
  readonly schema: 1
  readonly task: Task
  /** Drawn for this write. Who lost the answer to it reads, and knows its own. */
  readonly nonce: string
  /** Names the queueing: an entry that carries another one is a leftover. */
  readonly ticket: string
  /** Sequence of the entry it was claimed through; 0 when any entry with the ticket will do. */
  readonly entry?: number
  /** The lease of the last claim, in milliseconds. */
  readonly lease?: number
  /** When the lease was last renewed. */
  readonly renewedAt?: number
  /** Nonce of the last claim. */
  readonly claim?: string
  /** The claim whose holder ended it. Absent where the lease ran out. */
  readonly settledBy?: string
  /** Nonce of the last explicit retry. */
  readonly retriedBy?: string
  readonly args: Slot
  readonly result?: Slot
  readonly errors?: readonly AttemptError[]
  readonly note: ChangeNote
  /** Nothing happened to the task: the write tells of no event. */
  readonly quiet?: true
  /** Events of the same write that came before the one of `note`. */
  readonly earlier?: readonly TaskEvent[]
}

/**
 * Stands in the place of the record of a task that was removed. A server that is killed may bring back the message before the one that was
 * deleted, but none that was written over. Swept away once the server has surely noted what it holds no more.
 */
export interface Tombstone {
  readonly schema: 1
  readonly removed: true
  /** Where its entry was. Absent where what was removed could not be decoded. */
  readonly queue?: string
  readonly incarnation: string
  /** Payloads may lie apart that belonged to it. */
  readonly hasBlobs: boolean
  /** What stood here was parked. Its entry stays, for when it is put back. */
  readonly parked?: true
  /** Never swept: if the record came back, nothing would tell that it was removed. */
  readonly stays?: true
}

/** A record and its revision. */
export interface Stored {
  readonly record: TaskRecord
  readonly revision: number
  /** The record as it was written, where that was just now. */
  readonly text?: string
}

/** What a queue holds: that the task waits. Everything else is in the record. */
export interface Entry {
  readonly schema: 1
  readonly id: string
  readonly ticket: string
  /** Of a delayed one: not before this time. */
  readonly runAt?: number
  /**
   * The record that was queued, and its revision: whoever receives the entry first need not read it. Revision 0 is a first entry: it alone
   * holds the record, which has no message of its own before its first change.
   */
  readonly record?: TaskRecord
  readonly revision?: number
}

/** Bytes that are no record or entry of this version. */
export class UndecodableRecord extends Error {}

export function encodeRecord(record: TaskRecord): string {
  return JSON.stringify(record)
}

export function encodeEntry(entry: Entry): string {
  return JSON.stringify(entry)
}

/** Records up to so many characters travel in their entries. */
const COPY_LIMIT = 4096

/** An entry with its record in it, if that is no longer than `limit`. */
export function encodeEntryOf(
  { record, revision, text = encodeRecord(record) }: Stored,
  limit: number = COPY_LIMIT,
): string {
  const { task, ticket } = record
  if (text.length > limit) return encodeEntry({ schema: 1, id: task.id, ticket })
  return `{"schema":1,"id":${JSON.stringify(task.id)},"ticket":${JSON.stringify(ticket)},"revision":${revision},"record":${text}}`
}

export function encodeTombstone(tombstone: Tombstone): string {
  return JSON.stringify(tombstone)
}

/**
 * What stands in the place of a record.
 * @throws UndecodableRecord
 */
export function decodeStored(bytes: Uint8Array): TaskRecord | Tombstone {
  const value = parse(bytes)
  return value['removed'] === true ? (value as unknown as Tombstone) : asRecord(value)
}

export function isTombstone(stored: TaskRecord | Tombstone): stored is Tombstone {
  return 'removed' in stored
}

function asRecord(value: Record<string, unknown>): TaskRecord {
  const task = value['task']
  if (!isObject(task)) throw new UndecodableRecord('it holds no task')
  if (task['schema'] !== 1) throw new UndecodableRecord(`schema ${String(task['schema'])} of the task is not known`)
  const complete =
    isText(task['id']) &&
    isText(task['name']) &&
    isText(task['queue']) &&
    isText(task['incarnation']) &&
    STORED_STATES.some((state) => state === task['state']) &&
    COUNTS.every((count) => Number.isSafeInteger(task[count])) &&
    isText(value['ticket']) &&
    isText(value['nonce']) &&
    isObject(value['args']) &&
    isObject(value['note'])
  if (!complete) throw new UndecodableRecord('fields of the record are missing')
  return value as unknown as TaskRecord
}

const COUNTS = ['attempt', 'failures', 'crashes', 'maxRetries', 'maxCrashes', 'version', 'createdAt'] as const

/** @throws UndecodableRecord */
export function decodeEntry(bytes: Uint8Array): Entry {
  const value = parse(bytes)
  if (!isText(value['id']) || !isText(value['ticket'])) throw new UndecodableRecord('it names no task')
  return value as unknown as Entry
}

/** The record that an entry carries, if it is one of this version. */
export function storedIn({ record, revision }: Entry): Stored | undefined {
  if (!isObject(record) || revision === undefined) return undefined
  try {
    return { record: asRecord(record), revision }
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}

/**
 * The record of a task that nobody had changed when this was its entry; undefined for an entry whose record has a message of its own.
 * @throws UndecodableRecord
 */
export function firstRecordIn(bytes: Uint8Array): TaskRecord | undefined {
  const { record, revision } = decodeEntry(bytes)
  if (revision !== 0) return undefined
  if (!isObject(record)) throw new UndecodableRecord('it holds no record')
  return asRecord(record)
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(UTF8.decode(bytes))
  } catch {
    throw new UndecodableRecord('it is not JSON')
  }
  if (!isObject(value)) throw new UndecodableRecord('it is not an object')
  if (value['schema'] !== 1) throw new UndecodableRecord(`schema ${String(value['schema'])} is not known`)
  return value
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Whether the record is that of a task that has ended. */
export function hasEnded({ task }: TaskRecord): boolean {
  return isFinal(task.state)
}
