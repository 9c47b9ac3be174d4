import type { Task } from '@ds/core'
import { deleteMessage } from '../jetstream/delete-message.ts'
import { isOutOfRoom } from '../jetstream/errors.ts'
import type { Link } from '../jetstream/link.ts'
import type { Names } from '../names.ts'
import type { Stored, TaskRecord, Tombstone } from './codec.ts'
import type { Entries } from './entries.ts'
import type { Payloads } from './payloads.ts'
import type { Records } from './records.ts'

export interface RemovalsParts {
  readonly link: Link
  readonly names: Names
  readonly records: Records
  readonly entries: Entries
  readonly payloads: Payloads
}

/**
 * Takes finished tasks away: the record by one write, which decides, and then what is left of the task. A server that is killed soon after
 * may bring back what was deleted, and nothing that was written over: hence the tombstone, which is swept away later, with what came back.
 */
export class Removals {
  readonly #parts: RemovalsParts

  constructor(parts: RemovalsParts) {
    this.#parts = parts
  }

  /** Removes a task as it stands; false where it has changed meanwhile. */
  async remove(stored: Stored): Promise<boolean> {
    const { records, entries } = this.#parts
    const { task } = stored.record
    // Looked for before it is decided: one that is queued later is of another life of that id, or of a retry.
    const entry = await entries.locate(task)
    const tombstone = tombstoneOf(stored)
    try {
      if (!(await records.bury(stored, tombstone))) return false
      if (entry) await entries.remove(entry)
    } catch (error) {
      if (!isOutOfRoom(error)) throw error
      // Its entry makes room for the tombstone; if not, it has to do without.
      if (entry) await entries.remove(entry)
      if (!(await this.#removeWithoutRoom(stored, tombstone))) return false
    }
    await this.#dropPayloads(task.id, tombstone)
    return true
  }

  /** Takes a tombstone away, and what a kill of the server has brought back of its task. */
  async sweep({ id, tombstone, sequence }: { id: string; tombstone: Tombstone; sequence: number }): Promise<void> {
    const { link, names, records, entries } = this.#parts
    const { queue, stays } = tombstone
    if (stays) return
    const entry = queue === undefined ? undefined : await entries.locate({ id, queue })
    if (!(await records.isBuriedAt(id, sequence))) return
    if (entry) await entries.remove(entry)
    await this.#dropPayloads(id, tombstone)
    await deleteMessage(link, names.tasks, sequence)
  }

  async #removeWithoutRoom(stored: Stored, tombstone: Tombstone): Promise<boolean> {
    const { link, names, records } = this.#parts
    try {
      return await records.bury(stored, tombstone)
    } catch (error) {
      if (!isOutOfRoom(error)) throw error
      return deleteMessage(link, names.tasks, stored.revision)
    }
  }

  async #dropPayloads(id: string, { incarnation, hasBlobs }: Tombstone): Promise<void> {
    if (hasBlobs) await this.#parts.payloads.dropAll({ id, incarnation })
  }
}

function tombstoneOf({ record }: Stored): Tombstone {
  const { task, args, result } = record
  const { queue, incarnation } = task
  const hasBlobs = 'blob' in args || (result !== undefined && 'blob' in result) || mayHaveLeft(task)
  return { schema: 1, removed: true, queue, incarnation, hasBlobs, ...(!isJudgedByEntry(record) && { stays: true }) }
}

/**
 * Whether a finished task has its entry for as long as it is there: all but those that were cancelled while they waited, whose entry goes with
 * the cancel unless it holds their args.
 */
export function isJudgedByEntry({ task, args }: TaskRecord): boolean {
  return task.state !== 'CANCELLED' || 'first' in args
}

/** Whether a worker may have stored a result that no record names: it died before it could say so, or somebody else was quicker. */
function mayHaveLeft({ attempt, crashes, state }: Task): boolean {
  return attempt > 1 || crashes > 0 || state === 'CANCELLED'
}
