import { decodeRecord, firstRecordIn, UndecodableRecord } from './codec.ts'
import type { TaskRecord } from './codec.ts'
import { placeInLog } from '../names.ts'
import type { Names } from '../names.ts'

/**
 * The record in a message of the log: of a task that has changed, or the first one, in its entry. Undefined for all other messages, and for
 * what the next reader of the task will park.
 */
export function loggedRecord(names: Names, subject: string, bytes: Uint8Array): TaskRecord | undefined {
  const { kind } = placeInLog(names, subject)
  if (kind === 'mark') return undefined
  try {
    return kind === 'record' ? decodeRecord(bytes) : firstRecordIn(bytes)
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}
