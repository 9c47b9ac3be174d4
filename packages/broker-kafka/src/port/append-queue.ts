import { Buffer } from 'node:buffer'
import type { Appended, LogRecord } from './log-port.ts'
import { BATCH_OVERHEAD, sizeLimitOf } from './record-batch.ts'
import type { BatchRecord, EncodedHeader } from './record-batch.ts'

/** Somebody who waits for records to be written. */
export interface AppendCall {
  readonly since: number
  readonly deadline: number
  readonly resolve: (answers: readonly Appended[]) => void
  readonly reject: (error: Error) => void
  readonly answers: Appended[]
  missing: number
  settled: boolean
}

/** One record on its way. */
export interface AppendItem {
  readonly record: LogRecord
  readonly call: AppendCall
  /** Its place in the call. */
  readonly index: number
  readonly headers: readonly EncodedHeader[]
  /** How often it was sent. */
  sends: number
  /** The key it was sent with last. */
  key: Buffer
}

/** What waits for one partition, in the order it came. */
export interface Lane {
  readonly topic: string
  readonly partition: number
  items: AppendItem[]
  /** The most bytes of a batch; learned from the server when it takes less. */
  maxBytes: number
}

/** Records that go in one request to one partition. */
export interface LaneBatch {
  readonly topic: string
  readonly partition: number
  readonly lane: Lane
  readonly items: readonly AppendItem[]
  readonly records: readonly BatchRecord[]
  readonly bytes: number
}

/** Below the server's default `max.message.bytes`, which counts for a batch as a whole. */
const BATCH_BYTES = 900_000
const REQUEST_BYTES = 4_000_000
const HEADER_NAMES = new Map<string, Buffer>()
const NO_HEADERS: readonly EncodedHeader[] = []
const UNSENT = Buffer.alloc(0)

/** Records that wait to be written, and the calls that wait for them. */
export class AppendQueue {
  readonly #lanes = new Map<string, Map<number, Lane>>()
  readonly #calls = new Set<AppendCall>()

  /** How many calls wait for an answer. */
  get size(): number {
    return this.#calls.size
  }

  add(records: readonly LogRecord[], waiter: Pick<AppendCall, 'since' | 'deadline' | 'resolve' | 'reject'>): void {
    const call: AppendCall = {
      ...waiter,
      answers: new Array<Appended>(records.length),
      missing: records.length,
      settled: false,
    }
    this.#calls.add(call)
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]!
      const headers = record.headers ? encodeHeaders(record.headers) : NO_HEADERS
      this.#lane(record).items.push({ record, call, index, headers, sends: 0, key: UNSENT })
    }
  }

  /** Lanes in which something waits. */
  waiting(): Lane[] {
    return [...this.#lanes.values()].flatMap((lanes) => [...lanes.values()].filter(({ items }) => items.length > 0))
  }

  /** Puts items back to where they came from, to be sent before what came later. */
  putBack(lane: Lane, items: readonly AppendItem[]): void {
    lane.items = items.filter(({ call }) => !call.settled).concat(lane.items)
  }

  done({ call, index, sends, key }: AppendItem, { offset, appendedAt }: Pick<Appended, 'offset' | 'appendedAt'>): void {
    call.answers[index] = { offset, appendedAt, send: sends - 1, key }
    call.missing -= 1
    if (call.missing > 0 || call.settled) return
    this.#settle(call)
    call.resolve(call.answers)
  }

  fail({ call }: AppendItem, error: Error): void {
    if (call.settled) return
    this.#settle(call)
    call.reject(error)
  }

  /** Rejects the calls whose time is over. */
  expire(now: number, reason: (call: AppendCall) => Error): void {
    for (const call of this.#calls) {
      if (call.deadline > now) continue
      this.#settle(call)
      call.reject(reason(call))
    }
    if (this.#calls.size === 0) this.#lanes.clear()
  }

  rejectAll(reason: () => Error): void {
    const calls = [...this.#calls]
    this.#lanes.clear()
    for (const call of calls) {
      this.#settle(call)
      call.reject(reason())
    }
  }

  #settle(call: AppendCall): void {
    call.settled = true
    this.#calls.delete(call)
  }

  #lane({ topic, partition }: LogRecord): Lane {
    const lanes = this.#lanes.get(topic) ?? new Map<number, Lane>()
    if (lanes.size === 0) this.#lanes.set(topic, lanes)
    const lane = lanes.get(partition) ?? { topic, partition, items: [], maxBytes: BATCH_BYTES }
    lanes.set(partition, lane)
    return lane
  }
}

/** Takes from lanes what one request to one server can carry. A key maker that throws fails its own call. */
export function takeBatches(lanes: readonly Lane[], queue: AppendQueue): LaneBatch[] {
  const batches: LaneBatch[] = []
  let bytes = 0
  for (const lane of lanes) {
    if (bytes >= REQUEST_BYTES) break
    const batch = takeBatch(lane, queue)
    if (batch.items.length === 0) continue
    batches.push(batch)
    bytes += batch.bytes
  }
  return batches
}

function takeBatch(lane: Lane, queue: AppendQueue): LaneBatch {
  const items: AppendItem[] = []
  const records: BatchRecord[] = []
  let bytes = BATCH_OVERHEAD
  let taken = 0
  for (; taken < lane.items.length; taken += 1) {
    const item = lane.items[taken]!
    if (item.call.settled) continue
    const record = nextSend(item, queue)
    if (!record) continue
    const size = sizeLimitOf(record)
    if (items.length > 0 && bytes + size > lane.maxBytes) {
      item.sends -= 1
      break
    }
    items.push(item)
    records.push(record)
    bytes += size
  }
  lane.items = taken === lane.items.length ? [] : lane.items.slice(taken)
  return { topic: lane.topic, partition: lane.partition, lane, items, records, bytes }
}

function nextSend(item: AppendItem, queue: AppendQueue): BatchRecord | undefined {
  const { record, headers } = item
  try {
    const key = typeof record.key === 'function' ? record.key(item.sends) : record.key
    item.sends += 1
    item.key = key
    return { key, value: record.value, headers }
  } catch (error) {
    queue.fail(item, error instanceof Error ? error : new Error(String(error)))
    return undefined
  }
}

function encodeHeaders(headers: Readonly<Record<string, Buffer>>): EncodedHeader[] {
  return Object.entries(headers).map(([name, value]) => ({ name: headerName(name), value }))
}

function headerName(name: string): Buffer {
  const known = HEADER_NAMES.get(name)
  if (known) return known
  const bytes = Buffer.from(name)
  if (HEADER_NAMES.size < 100) HEADER_NAMES.set(name, bytes)
  return bytes
}
