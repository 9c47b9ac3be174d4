import type { Task } from '@ds/core'
import { deleteMessage } from '../jetstream/delete-message.ts'
import { isOutOfRoom } from '../jetstream/errors.ts'
import type { Link } from '../jetstream/link.ts'
import type { Names } from '../names.ts'
import type { Stored, TaskRecord, Tombstone } from './codec.ts'
import type { Entries } from './entries.ts'
import type { Payloads } from './payloads.ts'
import type { Records } from './records.ts'

/** A tombstone, and its sequence in the stream. */
interface Buried {
  readonly id: string
  readonly tombstone: Tombstone
  readonly sequence: number
}

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
    let sequence: number | undefined
    try {
      sequence = await records.bury(stored, tombstone)
      if (sequence === undefined) return false
      if (entry) await entries.remove(entry)
    } catch (error) {
      if (!isOutOfRoom(error)) throw error
      // Its entry makes room for the tombstone; if not, it has to do without.
      if (entry) await entries.remove(entry)
      sequence = await this.#removeWithoutRoom(stored, tombstone)
      if (sequence === undefined) return false
    }
    await this.#dropPayloads({ id: task.id, tombstone, sequence })
    return true
  }

  /** Takes a tombstone away, and what a kill of the server has brought back of its task. */
  async sweep(buried: Buried): Promise<void> {
    const { id, tombstone, sequence } = buried
    const { link, names, records, entries } = this.#parts
    const { queue, stays } = tombstone
    if (stays) return
    const entry = queue === undefined ? undefined : await entries.locate({ id, queue })
    if (!(await records.isBuriedAt(id, sequence))) return
    if (entry) await entries.remove(entry)
    await this.#dropPayloads(buried)
    await deleteMessage(link, names.tasks, sequence)
  }

  /** Gives the sequence up to which nothing is left of the task; undefined where it has changed meanwhile. */
  async #removeWithoutRoom(stored: Stored, tombstone: Tombstone): Promise<number | undefined> {
    const { link, names, records } = this.#parts
    try {
      return await records.bury(stored, tombstone)
    } catch (error) {
      if (!isOutOfRoom(error)) throw error
      return (await deleteMessage(link, names.tasks, stored.revision)) ? stored.revision : undefined
    }
  }

  async #dropPayloads({ id, tombstone: { incarnation, hasBlobs }, sequence }: Buried): Promise<void> {
    if (hasBlobs) await this.#parts.payloads.dropAll({ id, incarnation }, sequence)
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
 * the cancel unless it holds their args. Where a worker ended it, it was not waiting.
 */
export function isJudgedByEntry({ task, args, settledBy }: TaskRecord): boolean {
  return task.state !== 'CANCELLED' || 'first' in args || settledBy !== undefined
}

/** Whether a worker may have stored a result that no record names: it died before it could say so, or somebody else was quicker. */
function mayHaveLeft({ attempt, crashes, state }: Task): boolean {
  return attempt > 1 || crashes > 0 || state === 'CANCELLED'
}
