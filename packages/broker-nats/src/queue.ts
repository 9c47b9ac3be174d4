import { isDrawnTaskId, isFinal, QueueFullError } from '@ds/core'
import type { CancelAnswer, NewTask, Result, RetryAnswer, SubmitAnswer, TaskQueue } from '@ds/core'
import type { Clock } from './jetstream/clock.ts'
import { IN_FIRST_ENTRY } from './records/codec.ts'
import type { Slot, Stored, TaskRecord } from './records/codec.ts'
import type { Entries } from './records/entries.ts'
import type { FirstEntries } from './records/first-entries.ts'
import type { Link } from './jetstream/link.ts'
import { cancelSubject } from './names.ts'
import type { Names } from './names.ts'
import { drawNonce } from './records/nonce.ts'
import { inlineSlot } from './records/payloads.ts'
import type { Payloads } from './records/payloads.ts'
import { QueueRoom } from './queue-room.ts'
import { resultsOf } from './records/records.ts'
import type { Records } from './records/records.ts'
import { acceptedRecord, applyTo, recordAfter } from './records/transitions.ts'

export interface QueueParts {
  readonly link: Link
  readonly names: Names
  readonly records: Records
  readonly payloads: Payloads
  readonly entries: Entries
  readonly firstEntries: FirstEntries
  readonly clock: Clock
}

interface Submitted {
  readonly answer: SubmitAnswer | 'full'
  /** Absent where the queue is full. */
  readonly stored?: Stored
  /** Written by this very call. */
  readonly fresh?: boolean
  /** Over the tombstone of a task that was removed. */
  readonly buried?: boolean
}

interface Retrying {
  readonly nonce: string
  readonly known: Stored | undefined
  /** Of the known one. */
  readonly args: Slot | undefined
}

/**
 * The queue as managers see it. A task with a drawn id is stored and queued in one write; any other is stored first and queued second, and who
 * finds the one without the other mends it.
 */
export class NatsQueue implements Pick<TaskQueue, 'submit' | 'cancel' | 'retry'> {
  readonly #parts: QueueParts

  constructor(parts: QueueParts) {
    this.#parts = parts
  }

  async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const limited = tasks.filter(({ maxQueued }) => maxQueued !== undefined)
    const room = await QueueRoom.read(this.#parts, new Set(limited.map(({ queue }) => queue)))
    return resultsOf(tasks.map((task) => this.#submitOne(task, room)))
  }

  async cancel(id: string, { requeue }: { requeue: boolean }): Promise<CancelAnswer> {
    const { records, entries, clock } = this.#parts
    const known = await records.read(id)
    // Read before it is decided: an entry that comes later belongs to a later queueing and must stay. So must a first entry: it may hold the
    // args, and a submit that is sent again finds it.
    const mayGo =
      known?.record.task.state === 'QUEUED' && !requeue && known.revision > 0 && !('first' in known.record.args)
    const waiting = mayGo ? await entries.find(known.record) : undefined
    const answer = await records.changeOne<CancelAnswer | TaskRecord>({
      id,
      known: known ?? 'none',
      decide: (standing) => {
        if (!standing) return { answer: 'unknown' }
        const { task } = standing.record
        if (isFinal(task.state)) return { answer: task.state === 'CANCELLED' ? 'cancelled' : 'finished' }
        const at = clock.now()
        const verdict = applyTo(standing.record, { type: 'cancel', at, requeue })
        if (verdict.verdict !== 'applied') return { answer: 'queued' }
        const write = withoutArgs(recordAfter(standing.record, verdict, at), standing.revision)
        return { write, answer: () => write }
      },
    })
    if (typeof answer === 'string') return answer
    if (answer.task.state === 'RUNNING') return this.#broadcast(answer, requeue)
    if (waiting !== undefined) await entries.remove(waiting)
    return 'cancelled'
  }

  async retry(id: string, { nonce }: { nonce: string }): Promise<RetryAnswer> {
    for (;;) {
      const known = await this.#parts.records.read(id)
      const args = known && (await this.#argsForRetry(known))
      // It is being removed, and its entry went first; or another retry has moved the args.
      if (known && !args && (await this.#parts.records.read(id))?.revision === known.revision) return 'unknown'
      const answer = await this.#retryKnown(id, { nonce, known, args })
      if (answer !== 'again') return answer
    }
  }

  /** Args as the record of a retry holds them: its entry takes the place of the first one. */
  async #argsForRetry({ record: { args, task } }: Stored): Promise<Slot | undefined> {
    if (!('first' in args) || !isFinal(task.state)) return args
    const text = await this.#parts.payloads.load(args, task)
    return text === undefined ? undefined : { text }
  }

  async #retryKnown(id: string, { nonce, known, args }: Retrying): Promise<RetryAnswer | 'again'> {
    const { records, payloads, entries, clock } = this.#parts
    let dropped: Slot | undefined
    const answer = await records.changeOne<RetryAnswer | 'again' | Stored>({
      id,
      known: known ?? 'none',
      decide: (standing) => {
        if (!standing) return { answer: 'unknown' }
        const { record } = standing
        if (record.retriedBy === nonce) return { answer: standing }
        const at = clock.now()
        const verdict = applyTo(record, { type: 'retry', at })
        if (verdict.verdict !== 'applied') return { answer: 'active' }
        if (!args || standing.revision !== known?.revision) return { answer: 'again' }
        dropped = record.result
        // The nonce is the ticket too: of this queueing and of no other.
        const { entry: _entry, ...next } = recordAfter(record, verdict, at)
        const write: TaskRecord = { ...next, args, retriedBy: nonce, ticket: nonce }
        return { write, answer: (stored) => stored }
      },
    })
    if (typeof answer === 'string') return answer
    const { task, ticket } = answer.record
    if (task.state === 'QUEUED' && ticket === nonce) await entries.add(answer)
    await payloads.drop(dropped, task)
    return 'queued'
  }

  async #submitOne(task: NewTask, room: QueueRoom): Promise<SubmitAnswer> {
    const { payloads, clock, firstEntries } = this.#parts
    // Who submits a first entry again means the same message; any other call has payloads of its own, which it may take back.
    const part = isFirst(task) ? 'args' : `args-${drawNonce()}`
    const args = inlineSlot(task.args) ?? (await payloads.keepApart(task.args, task, part))
    if (!isFirst(task)) return this.#submitNamed(task, args, room)
    // One message says it all: nobody else can have submitted the id.
    await firstEntries.add(acceptedRecord(task, args, clock.now()))
    return 'created'
  }

  /** The record finds out whether there is one of that id, the entry follows it. */
  async #submitNamed(task: NewTask, args: Slot, room: QueueRoom): Promise<SubmitAnswer> {
    const { records, payloads, entries, clock } = this.#parts
    const place = room.placeFor(task)
    const { answer, stored, fresh, buried } = await records.changeOne<Submitted>({
      id: task.id,
      // The write itself finds out whether there is a record of its own; one in a first entry is looked for. A task with a limit must know
      // before it counts.
      known: task.maxQueued === undefined && (task.uniqueId || !isDrawnTaskId(task.id)) ? 'none' : undefined,
      decide: (standing, revision) => {
        if (standing) return { answer: { answer: isOwn(standing, task) ? 'created' : 'exists', stored: standing } }
        if (!place.take()) return { answer: { answer: 'full' } }
        const write = acceptedRecord(task, args, clock.now())
        return {
          write,
          answer: (written) => ({ answer: 'created', stored: written, fresh: true, buried: revision > 0 }),
        }
      },
    })
    if (!fresh) {
      place.free()
      await payloads.drop(args, task)
    }
    if (answer === 'full' || !stored) throw new QueueFullError(task.queue, task.maxQueued ?? 0)
    // The removal of this very submission takes what was stored before its tombstone.
    if (buried && 'blob' in args) await payloads.keepApart(task.args, task, args.blob)
    await (fresh ? entries.add(stored) : entries.mend(stored))
    return answer
  }

  #broadcast({ task }: TaskRecord, requeue: boolean): CancelAnswer {
    const { link, names } = this.#parts
    link.publish(cancelSubject(names), JSON.stringify({ taskId: task.id, attempt: task.attempt, requeue }))
    return 'requested'
  }
}

/** Whether its entry may be all there is of a new task. By what was asked and not by the time it is: it may be asked again. */
function isFirst({ uniqueId, maxQueued, delay, runAt }: NewTask): boolean {
  return uniqueId === true && maxQueued === undefined && delay === undefined && runAt === undefined
}

/** A first entry keeps the args, and stays with the task: its record need not repeat them. */
function withoutArgs(record: TaskRecord, before: number): TaskRecord {
  return before === 0 && 'text' in record.args ? { ...record, args: IN_FIRST_ENTRY } : record
}

function isOwn({ record }: Stored, { incarnation }: NewTask): boolean {
  return record.task.incarnation === incarnation
}
