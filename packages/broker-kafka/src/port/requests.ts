import { Buffer } from 'node:buffer'
import { BATCH_OVERHEAD, readLong, sizeLimitOf, writeBatch, writeLong } from './record-batch.ts'
import type { BatchRecord } from './record-batch.ts'

/** Numbers and versions of the three requests that are written here; all of them exist from Kafka 2.3 on. */
export const PRODUCE = { apiKey: 0, apiVersion: 7, apiName: 'Produce' } as const
/** Not 11: from then on a server that leads no more may answer as a follower, without an error, and be behind. */
export const FETCH = { apiKey: 1, apiVersion: 10, apiName: 'Fetch' } as const
export const METADATA = { apiKey: 3, apiVersion: 6, apiName: 'Metadata' } as const

/** A kind of request. */
export interface RequestKind {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
}

/** Records for one partition. */
export interface PartitionRecords {
  readonly topic: string
  readonly partition: number
  readonly records: readonly BatchRecord[]
}

/** The server's answer for one partition of a produce request. */
export interface PartitionAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: number
  /** -1 where the topic's timestamps are the writer's. */
  readonly appendTime: number
}

/** A partition to fetch from. */
export interface PartitionFetch {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

/** The server's answer for one partition of a fetch. */
export interface PartitionData {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly end: number
  readonly records: Buffer
}

/** What the servers say of themselves and of topics. */
export interface Metadata {
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

/** One topic of {@link Metadata}. */
export interface TopicMetadata {
  readonly topic: string
  readonly errorCode: number
  readonly partitions: readonly {
    readonly partition: number
    /** -1 while there is none. */
    readonly leader: number
    readonly replicas: number
  }[]
}

/** A produce request that asks for the answer of all in-sync replicas within `timeout` ms. */
export function produceRequest(batches: readonly PartitionRecords[], timeout: number): Buffer {
  const topics = Map.groupBy(batches, ({ topic }) => topic)
  let size = 16
  for (const [topic, partitions] of topics) size += 6 + Buffer.byteLength(topic) + partitions.length * 8
  for (const { records } of batches) {
    size += BATCH_OVERHEAD
    for (const record of records) size += sizeLimitOf(record)
  }
  const target = Buffer.allocUnsafe(size)
  target.writeInt16BE(-1, 0)
  target.writeInt16BE(-1, 2)
  target.writeInt32BE(timeout, 4)
  target.writeInt32BE(topics.size, 8)
  let at = 12
  for (const [topic, partitions] of topics) {
    at = writeText(target, at, topic)
    at = target.writeInt32BE(partitions.length, at)
    for (const { partition, records } of partitions) {
      target.writeInt32BE(partition, at)
      const end = writeBatch(target, at + 8, records)
      target.writeInt32BE(end - at - 8, at + 4)
      at = end
    }
  }
  return target.subarray(0, at)
}

/** What the server made of a produce request. */
export function readProduceAnswer(payload: Buffer): PartitionAnswer[] {
  const reader = new Reader(payload)
  const answers: PartitionAnswer[] = []
  reader.each(() => {
    const topic = reader.text()
    reader.each(() => {
      const [partition, errorCode] = [reader.int32(), reader.int16()]
      const [baseOffset, appendTime] = [reader.long(), reader.long()]
      reader.skip(8)
      answers.push({ topic, partition, errorCode, baseOffset, appendTime })
    })
  })
  return answers
}

/** A fetch that waits up to `maxWait` ms for the first byte. An open transaction of another writer does not hold it up. */
export function fetchRequest(partitions: readonly PartitionFetch[], maxWait: number, maxBytes: number): Buffer {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  let size = 33 + partitions.length * 28
  for (const topic of topics.keys()) size += 6 + Buffer.byteLength(topic)
  const target = Buffer.alloc(size)
  target.writeInt32BE(-1, 0)
  target.writeInt32BE(maxWait, 4)
  target.writeInt32BE(1, 8)
  target.writeInt32BE(maxBytes, 12)
  target.writeInt8(0, 16)
  target.writeInt32BE(0, 17)
  target.writeInt32BE(-1, 21)
  let at = target.writeInt32BE(topics.size, 25)
  for (const [topic, asked] of topics) {
    at = target.writeInt32BE(asked.length, writeText(target, at, topic))
    for (const { partition, offset, maxBytes: most } of asked) {
      target.writeInt32BE(partition, at)
      target.writeInt32BE(-1, at + 4)
      writeLong(target, offset, at + 8)
      writeLong(target, -1, at + 16)
      at = target.writeInt32BE(most, at + 24)
    }
  }
  // No forgotten topics.
  return target
}

/** What a fetch brought, with the error of the whole request if there is one. */
export function readFetchAnswer(payload: Buffer): { errorCode: number; partitions: PartitionData[] } {
  const reader = new Reader(payload)
  reader.skip(4)
  const errorCode = reader.int16()
  reader.skip(4)
  const partitions: PartitionData[] = []
  reader.each(() => {
    const topic = reader.text()
    reader.each(() => {
      const [partition, code] = [reader.int32(), reader.int16()]
      const end = reader.long()
      reader.skip(16)
      reader.each(() => reader.skip(16))
      partitions.push({ topic, partition, errorCode: code, end, records: reader.bytes() })
    })
  })
  return { errorCode, partitions }
}

/** Asks about topics, without creating them; undefined means all. */
export function metadataRequest(topics: readonly string[] | undefined): Buffer {
  const size = (topics ?? []).reduce((sum, topic) => sum + 2 + Buffer.byteLength(topic), 5)
  const target = Buffer.alloc(size)
  let at = target.writeInt32BE(topics?.length ?? -1, 0)
  for (const topic of topics ?? []) at = writeText(target, at, topic)
  return target
}

/** What the servers say of themselves and of topics. */
export function readMetadata(payload: Buffer): Metadata {
  const reader = new Reader(payload)
  reader.skip(4)
  const nodes = reader.list(() => {
    const node = { id: reader.int32(), host: reader.text(), port: reader.int32() }
    reader.text()
    return node
  })
  reader.text()
  const controller = reader.int32()
  const topics = reader.list(() => {
    const errorCode = reader.int16()
    const topic = reader.text()
    reader.skip(1)
    return { topic, errorCode, partitions: reader.list(() => partitionMetadata(reader)) }
  })
  return { nodes, controller, topics }
}

function partitionMetadata(reader: Reader): TopicMetadata['partitions'][number] {
  reader.skip(2)
  const [partition, leader] = [reader.int32(), reader.int32()]
  const replicas = reader.list(() => reader.int32()).length
  reader.each(() => reader.skip(4))
  reader.each(() => reader.skip(4))
  return { partition, leader, replicas }
}

function writeText(target: Buffer, at: number, text: string): number {
  const length = target.write(text, at + 2)
  target.writeInt16BE(length, at)
  return at + 2 + length
}

/** Reads an answer from its beginning to its end. */
class Reader {
  readonly #source: Buffer
  #at = 0

  constructor(source: Buffer) {
    this.#source = source
  }

  int16(): number {
    this.#at += 2
    return this.#source.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#source.readInt32BE(this.#at - 4)
  }

  long(): number {
    this.#at += 8
    return readLong(this.#source, this.#at - 8)
  }

  /** Empty for null. */
  text(): string {
    const length = this.int16()
    if (length <= 0) return ''
    this.#at += length
    return this.#source.toString('utf8', this.#at - length, this.#at)
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32())
    this.#at += length
    return this.#source.subarray(this.#at - length, this.#at)
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  each(read: () => void): void {
    const count = this.int32()
    for (let index = 0; index < count; index += 1) read()
  }

  list<Item>(read: () => Item): Item[] {
    const items: Item[] = []
    this.each(() => items.push(read()))
    return items
  }
}
