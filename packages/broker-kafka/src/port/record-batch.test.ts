import { Buffer } from 'node:buffer'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'
import { BATCH_OVERHEAD, readBatches, sizeLimitOf, writeBatch, writeLong } from './record-batch.ts'
import type { BatchRecord } from './record-batch.ts'

function record(key: string, value: string | null, headers: Record<string, string> = {}): BatchRecord {
  return {
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.entries(headers).map(([name, text]) => ({ name: Buffer.from(name), value: Buffer.from(text) })),
  }
}

/** A batch as it stands in a log from `base` on. */
function batch(records: readonly BatchRecord[], base: number): Buffer {
  const limit = records.reduce((sum, each) => sum + sizeLimitOf(each), BATCH_OVERHEAD)
  const target = Buffer.alloc(limit, 0xee)
  const end = writeBatch(target, 0, records)
  expect(end).toBeLessThanOrEqual(limit)
  writeLong(target, base, 0)
  return target.subarray(0, end)
}

function texts(source: Buffer, from: number): [number, string, string | undefined][] {
  return readBatches(source, from).entries.map(({ offset, key, value }) => [offset, String(key), value?.toString()])
}

/** The same batch with its records compressed. */
function compressed(plain: Buffer, code: number, compress: (bytes: Buffer) => Buffer): Buffer {
  const head = Buffer.from(plain.subarray(0, BATCH_OVERHEAD))
  const body = compress(plain.subarray(BATCH_OVERHEAD))
  head.writeInt16BE(code, 21)
  head.writeInt32BE(BATCH_OVERHEAD - 12 + body.length, 8)
  return Buffer.concat([head, body])
}

describe('the checksum', () => {
  test.each([
    ['', 0],
    ['123456789', 0xe3069283],
    ['The quick brown fox jumps over the lazy dog', 0x22620404],
  ])('of %j is the published one', (text, sum) => {
    const bytes = Buffer.from(text)
    expect(crc32c(bytes, 0, bytes.length)).toBe(sum)
  })
})

describe('a batch', () => {
  test('is read as it was written: keys, values, tombstones, headers', () => {
    const written = [
      record('a', 'one', { h: 'x', ü: '' }),
      record('b', null),
      record('', ''),
      record('d', 'v'.repeat(70_000)),
    ]
    const { entries, next } = readBatches(batch(written, 41), 41)
    expect(next).toBe(45)
    expect(entries.map(({ offset, key, value }) => [offset, key?.toString(), value?.toString()])).toEqual([
      [41, 'a', 'one'],
      [42, 'b', undefined],
      [43, '', ''],
      [44, 'd', 'v'.repeat(70_000)],
    ])
    expect(entries[0]?.headers).toEqual({ h: Buffer.from('x'), ü: Buffer.alloc(0) })
    expect(Math.abs(Date.now() - (entries[0]?.timestamp ?? 0))).toBeLessThan(5000)
  })

  test('with offsets beyond 32 bits keeps them', () => {
    expect(texts(batch([record('a', 'x'), record('b', 'y')], 2 ** 40 + 5), 0).map(([offset]) => offset)).toEqual([
      2 ** 40 + 5,
      2 ** 40 + 6,
    ])
  })

  test('that begins below what was asked for is read from there', () => {
    const source = batch([record('a', '1'), record('b', '2'), record('c', '3')], 10)
    expect(texts(source, 11).map(([offset]) => offset)).toEqual([11, 12])
  })

  test('of many small and one large record is read whole', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => record(`key ${index}`, String(index)))
    const read = texts(batch(many, 0), 0)
    expect(read).toHaveLength(20_000)
    expect(read.at(-1)).toEqual([19_999, 'key 19999', '19999'])
  })

  test.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ] as const)('that a server compressed with %s is read', (_name, code, compress) => {
    const plain = batch([record('a', 'one'), record('b', 'two')], 5)
    expect(texts(compressed(plain, code, compress), 0)).toEqual([
      [5, 'a', 'one'],
      [6, 'b', 'two'],
    ])
  })

  test('compressed in a way that cannot be undone says what to set', () => {
    const plain = batch([record('a', 'one')], 5)
    expect(() =>
      readBatches(
        compressed(plain, 3, (bytes) => bytes),
        0,
      ),
    ).toThrow(/lz4.*compression.type=producer/)
  })

  test('of control records is passed over, and its offsets with it', () => {
    const source = Buffer.from(batch([record('a', 'one')], 7))
    source.writeInt16BE(0x20, 21)
    expect(readBatches(source, 0)).toEqual({ entries: [], next: 8 })
  })

  test('that compaction emptied still says how far it reached', () => {
    const source = Buffer.from(batch([record('a', 'one'), record('b', 'two')], 7).subarray(0, BATCH_OVERHEAD))
    source.writeInt32BE(BATCH_OVERHEAD - 12, 8)
    source.writeInt32BE(0, 57)
    expect(readBatches(source, 0)).toEqual({ entries: [], next: 9 })
  })
})

describe('several batches', () => {
  test('are read in order; one that is cut off is left for the next time', () => {
    const source = Buffer.concat([
      batch([record('a', '1')], 0),
      batch([record('b', '2')], 1),
      batch([record('c', '3')], 2),
    ])
    for (let cut = 1; cut < BATCH_OVERHEAD + 5; cut += 7) {
      const { entries, next } = readBatches(source.subarray(0, source.length - cut), 0)
      expect([entries.length, next]).toEqual([2, 2])
    }
  })

  test('none at all says nothing about the position', () => {
    expect(readBatches(Buffer.alloc(0), 5)).toEqual({ entries: [], next: undefined })
  })
})
