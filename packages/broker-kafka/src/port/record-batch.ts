import { Buffer } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { crc32c } from './crc32c.ts'
import type { LogEntry } from './log-port.ts'

/** What goes into a batch. */
export interface BatchRecord {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly headers: readonly EncodedHeader[]
}

/** A header with its name in bytes. */
export interface EncodedHeader {
  readonly name: Buffer
  readonly value: Buffer
}

/** What a run of batches held. */
export interface DecodedBatches {
  readonly entries: readonly LogEntry[]
  /** The offset behind the last whole batch; undefined when there was none. */
  readonly next: number | undefined
}

/** Bytes of a batch before its first record. */
export const BATCH_OVERHEAD = 61
const MAGIC = 2
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** The most bytes a record can take in a batch. */
export function sizeLimitOf({ key, value, headers }: BatchRecord): number {
  let size = 26 + key.length + (value?.length ?? 0)
  for (const header of headers) size += 10 + header.name.length + header.value.length
  return size
}

/** Writes a batch of records at `at` and returns the place behind it. The buffer must have room for it. */
export function writeBatch(target: Buffer, at: number, records: readonly BatchRecord[]): number {
  const now = Date.now()
  let end = at + BATCH_OVERHEAD
  for (let index = 0; index < records.length; index += 1) end = writeRecord(target, { at: end, index }, records[index]!)
  target.writeInt32BE(0, at)
  target.writeInt32BE(0, at + 4)
  target.writeInt32BE(end - at - 12, at + 8)
  target.writeInt32BE(-1, at + 12)
  target.writeInt8(MAGIC, at + 16)
  target.writeInt16BE(0, at + 21)
  target.writeInt32BE(records.length - 1, at + 23)
  writeLong(target, now, at + 27)
  writeLong(target, now, at + 35)
  // No producer id, epoch and sequence: not idempotent.
  target.fill(0xff, at + 43, at + 57)
  target.writeInt32BE(records.length, at + 57)
  target.writeUInt32BE(crc32c(target, at + 21, end), at + 17)
  return end
}

/**
 * Reads record batches as the server sends them: the first may begin below `from`, the last may be cut off. Control batches are
 * passed over. The bytes of keys and values are those of `source`, not copies.
 *
 * @throws Error for a compression that Node cannot undo, or a format from before Kafka 0.11.
 */
export function readBatches(source: Buffer, from: number): DecodedBatches {
  const entries: LogEntry[] = []
  let next: number | undefined
  let at = 0
  while (at + BATCH_OVERHEAD <= source.length) {
    const length = source.readInt32BE(at + 8)
    const end = at + 12 + length
    if (end > source.length) break
    const magic = source[at + 16]
    if (magic !== MAGIC) throw new Error(`A record batch has format ${magic}, and only format ${MAGIC} can be read`)
    const base = readLong(source, at)
    next = base + source.readInt32BE(at + 23) + 1
    if (next > from) readBatch(source.subarray(at, end), { base, from, entries })
    at = end
  }
  return { entries, next }
}

function readBatch(batch: Buffer, { base, from, entries }: { base: number; from: number; entries: LogEntry[] }): void {
  const attributes = batch.readInt16BE(21)
  if (attributes & 0x20) return
  const firstTimestamp = readLong(batch, 27)
  const appendTime = attributes & 0x08 ? readLong(batch, 35) : undefined
  const count = batch.readInt32BE(57)
  const cursor: Cursor = { source: decompress(batch.subarray(BATCH_OVERHEAD), attributes & 0x07), at: 0 }
  for (let index = 0; index < count; index += 1) {
    const size = readVarint(cursor)
    const end = cursor.at + size
    cursor.at += 1
    const timestamp = firstTimestamp + readVarint(cursor)
    const offset = base + readVarint(cursor)
    if (offset >= from) {
      const key = readBytes(cursor)
      const value = readBytes(cursor)
      entries.push({ offset, timestamp: appendTime ?? timestamp, key, value, headers: readHeaders(cursor) })
    }
    cursor.at = end
  }
}

function decompress(bytes: Buffer, compression: number): Buffer {
  if (compression === 0) return bytes
  if (compression === 1) return gunzipSync(bytes)
  if (compression === 4) return zstdDecompressSync(bytes)
  const name = COMPRESSIONS[compression] ?? String(compression)
  throw new Error(`Records are compressed with ${name}, which cannot be read: set compression.type=producer`)
}

interface Cursor {
  readonly source: Buffer
  at: number
}

function readHeaders(cursor: Cursor): Record<string, Buffer> {
  const count = readVarint(cursor)
  if (count <= 0) return NO_HEADERS
  const headers: Record<string, Buffer> = {}
  for (let index = 0; index < count; index += 1) {
    const name = readBytes(cursor)?.toString() ?? ''
    headers[name] = readBytes(cursor) ?? EMPTY
  }
  return headers
}

const NO_HEADERS: Record<string, Buffer> = Object.freeze({})
const EMPTY = Buffer.alloc(0)

function readBytes(cursor: Cursor): Buffer | null {
  const length = readVarint(cursor)
  if (length < 0) return null
  const start = cursor.at
  cursor.at += length
  return cursor.source.subarray(start, cursor.at)
}

/** Numbers beyond 32 bits appear only as differences of times; they are read by multiplication, not by shifts. */
function readVarint(cursor: Cursor): number {
  let value = 0
  let shift = 0
  for (;;) {
    const byte = cursor.source[cursor.at]!
    cursor.at += 1
    if (shift < 28) value |= (byte & 0x7f) << shift
    else value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
    shift += 7
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

interface Place {
  readonly at: number
  /** The number of the record in its batch. */
  readonly index: number
}

function writeRecord(target: Buffer, { at, index }: Place, { key, value, headers }: BatchRecord): number {
  let body = 2 + varintSize(index) + varintSize(key.length) + key.length + varintSize(headers.length)
  body += value === null ? 1 : varintSize(value.length) + value.length
  for (const header of headers) {
    body += varintSize(header.name.length) + header.name.length
    body += varintSize(header.value.length) + header.value.length
  }
  let end = writeVarint(target, at, body)
  target[end++] = 0
  target[end++] = 0
  end = writeVarint(target, end, index)
  end = writeBytes(target, end, key)
  if (value === null) target[end++] = 1
  else end = writeBytes(target, end, value)
  end = writeVarint(target, end, headers.length)
  for (const header of headers) end = writeBytes(target, writeBytes(target, end, header.name), header.value)
  return end
}

function writeBytes(target: Buffer, at: number, bytes: Buffer): number {
  const end = writeVarint(target, at, bytes.length)
  bytes.copy(target, end)
  return end + bytes.length
}

/** Lengths and counts only: from 0 on. */
function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value << 1
  let end = at
  while (rest > 0x7f) {
    target[end++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[end++] = rest
  return end
}

function varintSize(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1_048_576 ? 3 : value < 134_217_728 ? 4 : 5
}

/** Offsets and times as numbers. */
export function readLong(source: Buffer, at: number): number {
  return source.readInt32BE(at) * 4_294_967_296 + source.readUInt32BE(at + 4)
}

/** Offsets and times as numbers. */
export function writeLong(target: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4_294_967_296)
  target.writeInt32BE(high, at)
  target.writeUInt32BE(value - high * 4_294_967_296, at + 4)
}
