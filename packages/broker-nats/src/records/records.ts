import { DsError } from '@ds/core'
import type { Result } from '@ds/core'
import { decodeStored, encodeRecord, encodeTombstone, isTombstone, UndecodableRecord } from './codec.ts'
import type { Stored, TaskRecord, Tombstone } from './codec.ts'
import type { FirstEntries } from './first-entries.ts'
import type { Link } from '../jetstream/link.ts'
import { taskSubject } from '../names.ts'
import type { Names } from '../names.ts'
import type { Parked } from './parked.ts'
import { publishIfExpected } from '../jetstream/publish.ts'
import { StreamReader } from '../jetstream/stream-reader.ts'
import type { NewestMessage } from '../jetstream/stream-reader.ts'

/** A change of one task: decided on what stands, written if nobody was quicker, else decided again. */
export interface RecordChange<Answer> {
  readonly id: string
  /** What is thought to stand, `none` for nothing. Saves reading it first. */
  readonly known?: Stored | 'none' | undefined
  /** `revision` is above 0 also where a tombstone stands. */
  readonly decide: (stored: Stored | undefined, revision: number) => Decision<Answer>
}

/** An answer that needs no write, or the record to write and the answer once it stands. */
export type Decision<Answer> =
  { readonly answer: Answer } | { readonly write: TaskRecord; readonly answer: (stored: Stored) => Answer }

export interface RecordsOptions {
  readonly link: Link
  readonly names: Names
  readonly replicated: () => boolean
  readonly parked: Parked
  readonly firstEntries: FirstEntries
}

/** What stands under a subject: a record, or nothing, with the revision that a write has to expect. */
interface Standing {
  readonly stored: Stored | undefined
  readonly revision: number
  readonly tombstone?: Tombstone
}

/** The records of tasks: reads them, and changes them by compare-and-set. */
export class Records {
  readonly #options: RecordsOptions
  readonly #reader: StreamReader

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#reader = new StreamReader(options.link, options.names.tasks, options.replicated)
  }

  async read(id: string): Promise<Stored | undefined> {
    return (await this.#standing(id)).stored
  }

  /** Changes a task. */
  async changeOne<Answer>({ id, known, decide }: RecordChange<Answer>): Promise<Answer> {
    let standing = known === undefined ? await this.#standing(id) : thoughtStanding(known)
    for (;;) {
      const decision = decide(standing.stored, standing.revision)
      if (!('write' in decision)) return decision.answer
      const { write: record } = decision
      const text = encodeRecord(record)
      const message = { subject: taskSubject(this.#options.names, id), body: text, expected: standing.revision }
      const revision = await publishIfExpected(this.#options.link, message, 'storing a task')
      if (revision !== undefined) return decision.answer({ record, revision, text })
      standing = await this.#standing(id)
      // It stands after all: a repeat of it was refused.
      if (standing.stored?.record.nonce === record.nonce) return decision.answer(standing.stored)
    }
  }

  /** Whether what was said of a task was parked, and may be put back. */
  async isParked(id: string): Promise<boolean> {
    return (await this.#ownStanding(id))?.tombstone?.parked === true
  }

  /** Puts a tombstone in the place of a record as it stands. Gives its sequence; undefined where the record has changed meanwhile. */
  bury({ record, revision }: Stored, tombstone: Tombstone): Promise<number | undefined> {
    return this.#bury({ id: record.task.id, revision, tombstone })
  }

  /** Whether the newest that is said of a task is the tombstone at that place. */
  async isBuriedAt(id: string, sequence: number): Promise<boolean> {
    const own = await this.#ownStanding(id)
    return own !== undefined && own.stored === undefined && own.revision === sequence
  }

  #bury({
    id,
    revision,
    tombstone,
  }: {
    id: string
    revision: number
    tombstone: Tombstone
  }): Promise<number | undefined> {
    const { link, names } = this.#options
    const message = { subject: taskSubject(names, id), body: encodeTombstone(tombstone), expected: revision }
    return publishIfExpected(link, message, 'removing a task')
  }

  async #standing(id: string): Promise<Standing> {
    const own = await this.#ownStanding(id)
    if (own) return own
    const stored = await this.#options.firstEntries.read(id)
    if (stored) return thoughtStanding(stored)
    // Changed, and its first entry gone, between the two.
    return (await this.#ownStanding(id)) ?? NOTHING
  }

  /** What stands of a task that was changed before, or removed. */
  async #ownStanding(id: string): Promise<Standing | undefined> {
    const message = await this.#reader.newest(taskSubject(this.#options.names, id), 'reading a task')
    if (!message) return undefined
    try {
      const found = decodeStored(message.bytes)
      const { sequence: revision } = message
      if (isTombstone(found)) return { stored: undefined, revision, tombstone: found }
      return { stored: { record: found, revision }, revision }
    } catch (error) {
      if (!(error instanceof UndecodableRecord)) throw error
      await this.#park(id, message, error.message)
      // Its tombstone, or what somebody has written meanwhile.
      return this.#ownStanding(id)
    }
  }

  /** Takes what is no record out of the stream and keeps it elsewhere: the id is free again. Its entry may hold its args, and stays. */
  async #park(id: string, { subject, sequence, bytes }: NewestMessage, reason: string): Promise<void> {
    const { parked } = this.#options
    await parked.add({ id: `store-${sequence}`, source: 'store', subject, bytes, reason })
    const kept = { parked: true, stays: true } as const
    const tombstone: Tombstone = { schema: 1, removed: true, incarnation: '', hasBlobs: false, ...kept }
    await this.#bury({ id, revision: sequence, tombstone })
  }
}

function thoughtStanding(known: Stored | 'none'): Standing {
  return known === 'none' ? NOTHING : { stored: known, revision: known.revision }
}

const NOTHING: Standing = { stored: undefined, revision: 0 }

/** The answer of one item, or the error it met. */
export async function resultOf<Answer>(promise: Promise<Answer>): Promise<Result<Answer>> {
  try {
    return { ok: true, value: await promise }
  } catch (error) {
    if (!DsError.is(error)) throw error
    return { ok: false, error }
  }
}

const CUT_OFF: readonly string[] = ['BrokerUnavailable', 'BrokerClosed']

/** Answers of a batch. One that met nothing but an outage, or the end of the broker, rejects as a whole. */
export async function resultsOf<Answer>(promises: readonly Promise<Answer>[]): Promise<Result<Answer>[]> {
  const results = await Promise.all(promises.map(resultOf))
  const [first] = results
  const cutOff = results.every((result) => !result.ok && CUT_OFF.includes(result.error.code))
  if (cutOff && first && !first.ok) throw first.error
  return results
}
