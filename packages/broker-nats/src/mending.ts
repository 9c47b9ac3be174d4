import { isFinal } from '@ds/core'
import type { ConsumerInfo } from '@nats-io/jetstream'
import type { Clock } from './jetstream/clock.ts'
import { findConsumer } from './jetstream/durable.ts'
import type { Walker } from './jetstream/durable.ts'
import type { Link } from './jetstream/link.ts'
import type { LogWalk } from './jetstream/log-walk.ts'
import { publish } from './jetstream/publish.ts'
import type { Delivered } from './jetstream/pull.ts'
import type { StreamReader } from './jetstream/stream-reader.ts'
import { isAtLeast } from './jetstream/versions.ts'
import { durableOf, logSubjects, recordSubjects, restartSubject } from './names.ts'
import type { Names } from './names.ts'
import type { Stored, TaskRecord } from './records/codec.ts'
import type { Entries, PlaceOfEntry } from './records/entries.ts'
import { readLogged } from './records/logged-record.ts'
import { drawNonce } from './records/nonce.ts'
import type { Records } from './records/records.ts'
import { leaseEnd } from './workers/claim.ts'

/** Milliseconds after which a task that is due, or whose lease has ended, should have come again where somebody works. */
const OVERDUE = 60_000

/** Before that, a server that is killed may give the record before the newest back: what it had acknowledged is gone. */
const KEEPS_NEWEST = [2, 10, 0] as const

export interface MendingParts {
  readonly link: Link
  readonly names: Names
  readonly reader: StreamReader
  readonly records: Records
  readonly entries: Entries
  readonly clock: Clock
}

/** Queues tasks again that nobody would ever receive: their entry is gone, or is done with while they are not. */
export class Mending {
  readonly #parts: MendingParts
  readonly #consumers = new Map<string, Promise<ConsumerInfo | undefined>>()

  constructor(parts: MendingParts) {
    this.#parts = parts
  }

  /** Looks at a message of the log. Gives the milliseconds after which it has to be looked at again. */
  async look({ subject, bytes, sequence }: Delivered): Promise<number | undefined> {
    const { records, names } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'record') return this.#lookAt({ record: logged.record, revision: sequence })
    if (logged.type === 'first') return this.#lookAtFirst(logged.record, sequence)
    // Reading it parks it.
    if (logged.type === 'garbage') await records.read(logged.id)
    return undefined
  }

  /** What is walked through: where records may be lost, the first entries too. */
  walker(): Walker {
    const { names } = this.#parts
    if (this.#keepsNewest()) return { durable: 'mending', filter: recordSubjects(names) }
    return { durable: 'mending-all', filter: logSubjects(names) }
  }

  #keepsNewest(): boolean {
    return isAtLeast(this.#parts.link.client.info?.version ?? '', KEEPS_NEWEST)
  }

  /** Lets a walk begin anew where the server was started since, and may have given older records back. */
  async afterRestart(walk: LogWalk): Promise<void> {
    const { link, names, reader } = this.#parts
    const { info } = link.client
    // Members of a cluster differ in their ids.
    if (!info || info.cluster !== undefined || this.#keepsNewest()) return
    const subject = restartSubject(names)
    const known = await reader.last(subject, LOOKING)
    if (known && Buffer.from(known.bytes).toString() === info.server_id) return
    await walk.restart()
    await publish(link, { subject, body: info.server_id }, LOOKING)
  }

  async #lookAt(seen: Stored): Promise<number | undefined> {
    const { entries } = this.#parts
    if (isFinal(seen.record.task.state)) return undefined
    const place = await entries.find(seen.record)
    if (place) return this.#lookAtEntry(seen, place)
    const standing = await this.#standing(seen)
    if (standing) await entries.add(standing)
    return undefined
  }

  /** A first entry, which is all there is of a task unless something else is said of it. */
  async #lookAtFirst({ task }: TaskRecord, sequence: number): Promise<number | undefined> {
    const { records, names } = this.#parts
    const place = { stream: names.tasks, sequence }
    if ((await this.#fateOf(task.queue, place)) === 'waits') return undefined
    const seen = await records.read(task.id)
    return seen?.revision === 0 ? this.#lookAtEntry(seen, place) : undefined
  }

  async #lookAtEntry(seen: Stored, place: PlaceOfEntry): Promise<number | undefined> {
    const { entries, names, clock } = this.#parts
    const { task } = seen.record
    if (place.stream !== names.tasks) return undefined
    // It waits for its first turn, however long that takes.
    if (task.attempt === 0 && (await this.#fateOf(task.queue, place)) === 'waits') return undefined
    const overdue = clock.now() - expectedBy(seen.record)
    if (overdue < OVERDUE) return OVERDUE - overdue
    const fate = await this.#fateOf(task.queue, place)
    if (fate === 'waits') return undefined
    if (fate === 'held') return overdue
    const standing = await this.#standing(seen)
    if (standing) await entries.renew(standing, place)
    return undefined
  }

  /** A task as it was seen, made fit for another entry; undefined where it has changed meanwhile. */
  #standing(seen: Stored): Promise<Stored | undefined> {
    const { task } = seen.record
    return this.#parts.records.changeOne<Stored | undefined>({
      id: task.id,
      decide: (stored) => {
        if (stored?.revision !== seen.revision) return { answer: undefined }
        if (task.state === 'QUEUED') return { answer: stored }
        return { write: withoutEntry(stored.record), answer: (written) => written }
      },
    })
  }

  /** What the server says of a queue's consumer: asked once for many tasks. */
  #consumerOf(queue: string): Promise<ConsumerInfo | undefined> {
    const known = this.#consumers.get(queue)
    if (known) return known
    const { link, names } = this.#parts
    const asking = findConsumer(link, names.tasks, durableOf(queue))
    this.#consumers.set(queue, asking)
    setTimeout(() => this.#consumers.delete(queue), CONSUMER_AGE).unref()
    return asking
  }

  /** `waits`: it was never delivered. `done`: it does not come again. `held`: it may yet come. */
  async #fateOf(queue: string, { sequence }: PlaceOfEntry): Promise<'waits' | 'held' | 'done'> {
    const info = await this.#consumerOf(queue)
    if (!info) return 'held'
    if (sequence > info.delivered.stream_seq) return 'waits'
    const isAcknowledged = info.num_ack_pending === 0 || sequence <= info.ack_floor.stream_seq
    // Where a pull waits, all that was to come again has come.
    return isAcknowledged || info.num_waiting > 0 ? 'done' : 'held'
  }
}

/** Milliseconds for which one answer about a queue's consumer is enough. */
const CONSUMER_AGE = 1000

const LOOKING = 'looking for what a restart has brought back'

/** When the server should give the entry out again, if nothing happens before. */
function expectedBy(record: TaskRecord): number {
  const { task, note } = record
  return task.state === 'RUNNING' ? leaseEnd(record) : Math.max(task.runAt ?? 0, note.at)
}

/** A running task whose entry is gone: the one that takes its place is its own, whatever its sequence. */
function withoutEntry({ earlier: _earlier, ...record }: TaskRecord): TaskRecord {
  return { ...record, nonce: drawNonce(), entry: 0, quiet: true }
}
