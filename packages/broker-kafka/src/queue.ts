import { BrokerUnavailableError, DsError, isFinal, QueueFullError } from '@ds/core'
import type { CancelAnswer, NewTask, RemoveAnswer, Result, RetryAnswer, SubmitAnswer } from '@ds/core'
import { placeOf } from './parts.ts'
import type { Parts } from './parts.ts'
import type { Demand } from './state/demand.ts'
import type { Entry } from './state/entry.ts'
import { drawName } from './state/keys.ts'
import type { Partition } from './state/partition.ts'
import type { StateRecord } from './state/records.ts'
import type { StateWrite } from './state/state-view.ts'

const CREATED: Result<SubmitAnswer> = { ok: true, value: 'created' }
const EXISTS: Result<SubmitAnswer> = { ok: true, value: 'exists' }

/** What is asked of a task that is known, as a record that names this call. */
type MakeRecord = (entry: Entry, nonce: string) => StateRecord

/** The queue as managers see it: each call is a record, and its place in the log is the answer. */
export class KafkaQueue {
  readonly #parts: Parts
  readonly #demand: Demand

  constructor(parts: Parts, demand: Demand) {
    this.#parts = parts
    this.#demand = demand
  }

  async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const partitions = new Set(tasks.map(({ id }) => placeOf(this.#parts, id)))
    const limited = tasks.some(({ maxQueued }) => maxQueued !== undefined)
    if (limited) await this.#demand.everything()
    else await Promise.all([...partitions].map((partition) => this.#demand.partition(partition)))
    const room = limited ? new QueueRoom(this.#parts.view.partitions) : undefined
    return this.#write(tasks, (task) => room?.refuse(task))
  }

  async cancel(id: string, { requeue }: { requeue: boolean }): Promise<CancelAnswer> {
    return (await this.#ask(id, {
      known: ({ task: { state } }) => (state === 'CANCELLED' ? 'cancelled' : isFinal(state) ? 'finished' : undefined),
      record: ({ task: { incarnation } }, nonce) => ({ type: 'cancel', nonce, incarnation, requeue }),
    })) as CancelAnswer
  }

  async retry(id: string, { nonce: retry }: { nonce: string }): Promise<RetryAnswer> {
    return (await this.#ask(id, {
      known: ({ retriedBy }) => (retriedBy === retry ? 'queued' : undefined),
      record: ({ task: { incarnation } }, nonce) => ({ type: 'retry', nonce, incarnation, retry }),
    })) as RetryAnswer
  }

  async remove(id: string): Promise<RemoveAnswer> {
    return (await this.#ask(id, {
      known: () => undefined,
      record: ({ task: { incarnation } }, nonce) => ({ type: 'remove', nonce, incarnation }),
    })) as RemoveAnswer
  }

  /** The task as this process knows it; where it knows none, it reads on to the end of the log first. */
  async find(id: string): Promise<Entry | undefined> {
    const partition = placeOf(this.#parts, id)
    const part = await this.#demand.partition(partition)
    return part.entries.get(id) ?? (await this.#parts.view.newest(partition)).entries.get(id)
  }

  async #ask(
    id: string,
    { known, record }: { known: (entry: Entry) => string | undefined; record: MakeRecord },
  ): Promise<string> {
    for (;;) {
      const entry = await this.find(id)
      if (!entry) return 'unknown'
      const answer = known(entry) ?? (await this.#askLog(entry, record))
      // Another life began meanwhile: ask of that one.
      if (answer !== 'unknown') return answer
    }
  }

  async #askLog(entry: Entry, record: MakeRecord): Promise<string> {
    const { view } = this.#parts
    const nonce = drawName()
    const answered = view.answers.expect(nonce)
    const { id, partition } = entry
    view
      .write([{ id, partition, record: record(entry, nonce) }])
      .catch((error: unknown) => view.answers.fail(nonce, error as Error))
    return (await answered).answer
  }

  #write(tasks: readonly NewTask[], refuse: (task: NewTask) => DsError | undefined): Promise<Result<SubmitAnswer>[]> {
    const { view } = this.#parts
    const answers = tasks.map((task) => this.#answerAtOnce(task, refuse))
    const open = tasks.filter((_, index) => answers[index] === undefined)
    const { promise, resolve, reject } = Promise.withResolvers<Result<SubmitAnswer>[]>()
    let left = open.length
    const answer = (index: number, result: Result<SubmitAnswer>): void => {
      answers[index] = result
      left -= 1
      if (left === 0) resolve(answers as Result<SubmitAnswer>[])
    }
    if (left === 0) resolve(answers as Result<SubmitAnswer>[])
    for (const [index, { incarnation }] of tasks.entries()) {
      if (answers[index] !== undefined) continue
      view.answers.listen(
        incarnation,
        (told) => answer(index, told.answer === 'created' ? CREATED : EXISTS),
        (error) => {
          // Nobody knows what became of it; the same incarnation sent again finds out.
          if (!DsError.is(error) || DsError.is(error, 'BrokerUnavailable')) reject(asDsError(error))
          answer(index, { ok: false, error: asDsError(error) })
        },
      )
    }
    if (open.length > 0)
      view.write(open.map((task) => writeOf(this.#parts, task))).catch((error: unknown) => {
        for (const { incarnation } of open) view.answers.fail(incarnation, error as Error)
      })
    return promise
  }

  #answerAtOnce(task: NewTask, refuse: (task: NewTask) => DsError | undefined): Result<SubmitAnswer> | undefined {
    const present = this.#parts.view.partitions[placeOf(this.#parts, task.id)]?.entries.get(task.id)
    if (present) return present.task.incarnation === task.incarnation ? CREATED : EXISTS
    const error = task.maxQueued === undefined ? undefined : refuse(task)
    return error && { ok: false, error }
  }
}

/** How many tasks wait in the queues that a batch is for, those of the batch included. */
class QueueRoom {
  readonly #partitions: readonly Partition[]
  readonly #waiting = new Map<string, number>()

  constructor(partitions: readonly Partition[]) {
    this.#partitions = partitions
  }

  refuse({ queue, maxQueued = Infinity }: NewTask): QueueFullError | undefined {
    const waiting = this.#waiting.get(queue) ?? this.#count(queue)
    if (waiting >= maxQueued) return new QueueFullError(queue, maxQueued)
    this.#waiting.set(queue, waiting + 1)
    return undefined
  }

  #count(queue: string): number {
    let count = 0
    for (const { lanes } of this.#partitions) {
      const { ready, suspects, delayed } = lanes.get(queue) ?? {}
      count += (ready?.length ?? 0) + (suspects?.length ?? 0) + (delayed?.length ?? 0)
    }
    return count
  }
}

function writeOf(parts: Parts, { id, args, maxQueued: _limit, uniqueId: _unique, ...fields }: NewTask): StateWrite {
  return { id, partition: placeOf(parts, id), record: { type: 'submitted', ...fields }, payload: args }
}

function asDsError(error: unknown): DsError {
  return DsError.is(error)
    ? error
    : new BrokerUnavailableError('A task could not be written to Kafka', { cause: error })
}
