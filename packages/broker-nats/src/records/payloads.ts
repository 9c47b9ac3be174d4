import type { Payload, Task } from '@ds/core'
import type { PurgeBySeq, PurgeBySubject } from '@nats-io/jetstream'
import { firstRecordIn, UndecodableRecord } from './codec.ts'
import type { Slot, TaskRecord } from './codec.ts'
import { Gate } from '../jetstream/gate.ts'
import type { Link } from '../jetstream/link.ts'
import { blobsOf, blobSubject, entrySubject } from '../names.ts'
import type { Names } from '../names.ts'
import { StreamReader } from '../jetstream/stream-reader.ts'

/** Bytes up to which a payload rides in the record. Every later change of the task writes it again, so it is small. */
export const INLINE_LIMIT: number = 8 * 1024

/** A payload that rides in the record; undefined for one that is too large. */
export function inlineSlot(text: Payload): Slot | undefined {
  return text.length * 3 <= INLINE_LIMIT || Buffer.byteLength(text) <= INLINE_LIMIT ? { text } : undefined
}

/** Bytes of payloads under way to this process at a time. The server cuts off who has it hold more than 64 MB by default. */
const UNDER_WAY = 32 * 1024 * 1024
const USUAL_PAYLOAD = 1024 * 1024

type Life = Pick<Task, 'id' | 'incarnation'>

/** Payloads too large to ride in the record lie apart, under a subject that one writer alone uses: written first, then named by the record. */
export class Payloads {
  readonly #link: Link
  readonly #names: Names
  readonly #reader: StreamReader
  readonly #gate: Gate

  constructor(link: Link, names: Names, replicated: () => boolean) {
    this.#link = link
    this.#names = names
    this.#reader = new StreamReader(link, names.tasks, replicated)
    this.#gate = new Gate(() => Math.max(1, Math.floor(UNDER_WAY / (link.client.info?.max_payload ?? USUAL_PAYLOAD))))
  }

  /** Stores a large payload. `part` is what no other writer of this task's life uses. */
  async keepApart(text: Payload, life: Life, part: string): Promise<Slot> {
    const subject = blobSubject(this.#names, { ...life, part })
    await this.#link.call('storing a payload', () => this.#link.js.publish(subject, text))
    return { blob: part }
  }

  async load(slot: Slot | undefined, life: Life & Pick<Task, 'queue'>): Promise<Payload | undefined> {
    if (slot === undefined) return undefined
    if ('text' in slot) return slot.text
    if ('first' in slot) return this.#loadFirst(life)
    const subject = blobSubject(this.#names, { ...life, part: slot.blob })
    const message = await this.#gate.pass(() => this.#reader.newest(subject, 'reading a payload'))
    return message && Buffer.from(message.bytes).toString('utf8')
  }

  /** Undefined also where something else is in its place. */
  async #loadFirst({ id, queue, incarnation }: Life & Pick<Task, 'queue'>): Promise<Payload | undefined> {
    const message = await this.#reader.newest(entrySubject(this.#names, queue, id), 'reading a first entry')
    const record = message && firstRecordOrNone(message.bytes)
    if (record?.task.incarnation !== incarnation) return undefined
    return 'text' in record.args ? record.args.text : undefined
  }

  /** Removes one that no record names. */
  async drop(slot: Slot | undefined, life: Life): Promise<void> {
    if (slot === undefined || !('blob' in slot)) return
    await this.#purge({ filter: blobSubject(this.#names, { ...life, part: slot.blob }) })
  }

  /** Removes all of a task's life that were stored before this sequence: the same submit may come once more after its removal. */
  dropAll(life: Life, before: number): Promise<void> {
    return this.#purge({ filter: blobsOf(this.#names, life), seq: before })
  }

  async #purge(what: PurgeBySubject | PurgeBySeq): Promise<void> {
    await this.#link.call('removing payloads', () => this.#link.manager.streams.purge(this.#names.tasks, what))
  }
}

function firstRecordOrNone(bytes: Uint8Array): TaskRecord | undefined {
  try {
    return firstRecordIn(bytes)
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}
