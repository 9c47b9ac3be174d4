import { decodeToken, placeInLog } from '../names.ts'
import type { Names } from '../names.ts'
import { decodeStored, firstRecordIn, isTombstone, UndecodableRecord } from './codec.ts'
import type { TaskRecord, Tombstone } from './codec.ts'

/**
 * What a message of the log tells. `record`: a task that was changed. `first`: a new one, in its entry. `removed`: one that is gone. `mark`: of a
 * process. `garbage`: in the place of a record, for the next reader to park. `nothing`: an entry that reminds of a record.
 */
export type Logged =
  | { readonly type: 'record' | 'first'; readonly record: TaskRecord }
  | { readonly type: 'removed'; readonly id: string; readonly tombstone: Tombstone }
  | { readonly type: 'garbage'; readonly id: string }
  | { readonly type: 'mark' | 'nothing' }

/** Reads a message of the log. */
export function readLogged(names: Names, subject: string, bytes: Uint8Array): Logged {
  const { kind, token } = placeInLog(names, subject)
  if (kind === 'mark') return { type: 'mark' }
  try {
    return kind === 'record' ? ofRecord(token, bytes) : ofEntry(bytes)
  } catch (error) {
    if (!(error instanceof UndecodableRecord)) throw error
    const id = kind === 'record' ? decodeToken(token) : undefined
    return id === undefined ? { type: 'nothing' } : { type: 'garbage', id }
  }
}

function ofRecord(token: string, bytes: Uint8Array): Logged {
  const stored = decodeStored(bytes)
  if (!isTombstone(stored)) return { type: 'record', record: stored }
  const id = decodeToken(token)
  return id === undefined ? { type: 'nothing' } : { type: 'removed', id, tombstone: stored }
}

function ofEntry(bytes: Uint8Array): Logged {
  const record = firstRecordIn(bytes)
  return record ? { type: 'first', record } : { type: 'nothing' }
}
