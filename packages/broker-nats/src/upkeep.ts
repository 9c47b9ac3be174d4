import { isFinal } from '@ds/core'
import type { Clock } from './jetstream/clock.ts'
import type { Stored, TaskRecord } from './records/codec.ts'
import type { Entries } from './records/entries.ts'
import { deleteMessage } from './jetstream/delete-message.ts'
import type { Link } from './jetstream/link.ts'
import { readLogged } from './records/logged-record.ts'
import { LogWalk } from './jetstream/log-walk.ts'
import { recordSubjects } from './names.ts'
import type { Names } from './names.ts'
import { drawNonce } from './records/nonce.ts'
import type { Delivered } from './jetstream/pull.ts'
import type { Records } from './records/records.ts'
import type { Removals } from './records/removals.ts'

/** By then no submitter is between its two writes. */
const MENDING_AGE = 15_000
/** By then the server has written down what it holds no more (it does so every two minutes), and given up connections that say nothing. */
const SWEEPING_AGE = 600_000

export interface UpkeepParts {
  readonly link: Link
  readonly names: Names
  readonly records: Records
  readonly entries: Entries
  readonly removals: Removals
  readonly clock: Clock
}

/**
 * Walks behind the log: one mends what crashes have left half done, one sweeps away what stands for removed tasks and for processes, one
 * removes finished tasks after their retention.
 */
export class Upkeep {
  readonly #parts: UpkeepParts
  readonly #walks: readonly LogWalk[]

  constructor(parts: UpkeepParts) {
    const { link, names, clock } = parts
    this.#parts = parts
    const common = { link, clock, stream: names.tasks, filter: recordSubjects(names) }
    const { age } = link.settings.retention
    this.#walks = [
      new LogWalk({ ...common, durable: 'mending', age: MENDING_AGE, look: (message) => this.#mend(message) }),
      new LogWalk({ ...common, durable: 'sweeping', age: SWEEPING_AGE, look: (message) => this.sweep(message) }),
      ...(age === undefined
        ? []
        : [new LogWalk({ ...common, durable: 'retention', age, look: (message) => this.#expire(message) })]),
    ]
  }

  async open(): Promise<void> {
    for (const walk of this.#walks) await walk.open()
  }

  close(): void {
    for (const walk of this.#walks) walk.close()
  }

  async #mend({ subject, bytes, sequence }: Delivered): Promise<void> {
    const { records, names } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'record') await this.#mendTask({ record: logged.record, revision: sequence })
    // Reading it parks it.
    else if (logged.type === 'garbage') await records.read(logged.id)
  }

  async #mendTask(seen: Stored): Promise<void> {
    const { records, entries } = this.#parts
    const { task } = seen.record
    if (isFinal(task.state) || (await entries.find(seen.record)) !== undefined) return
    const standing = await records.changeOne<Stored | undefined>({
      id: task.id,
      decide: (stored) => {
        if (stored?.revision !== seen.revision) return { answer: undefined }
        if (task.state === 'QUEUED') return { answer: stored }
        return { write: withoutEntry(stored.record), answer: (written) => written }
      },
    })
    if (standing) await entries.add(standing)
  }

  /** Takes away what has done its time: marks and tombstones. */
  async sweep({ subject, bytes, sequence }: Delivered): Promise<void> {
    const { link, names, removals } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'mark') await deleteMessage(link, names.tasks, sequence)
    else if (logged.type === 'removed') await removals.sweep({ ...logged, sequence })
  }

  async #expire({ subject, bytes, sequence }: Delivered): Promise<void> {
    const { names, removals } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'record' && isFinal(logged.record.task.state)) {
      await removals.remove({ record: logged.record, revision: sequence })
    }
  }
}

/** A running task whose entry is gone: the one that takes its place is its own, whatever its sequence. */
function withoutEntry({ earlier: _earlier, ...record }: TaskRecord): TaskRecord {
  return { ...record, nonce: drawNonce(), entry: 0, quiet: true }
}
