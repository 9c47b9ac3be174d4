import type { Buffer } from 'node:buffer'

/** Eight tables of 256: table k is the checksum of a byte that k zero bytes follow, so that eight bytes are taken at a time. */
const TABLES: readonly Uint32Array[] = makeTables()
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as unknown as readonly [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** The Castagnoli checksum of `bytes` from `start` to `end`, as an unsigned number: what Kafka checks record batches with. */
export function crc32c(bytes: Buffer, start: number, end: number): number {
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      T7[low & 0xff]! ^
      T6[(low >>> 8) & 0xff]! ^
      T5[(low >>> 16) & 0xff]! ^
      T4[low >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!
  }
  for (; at < end; at += 1) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[byte] = crc
  }
  const tables = [first]
  for (let table = 1; table < 8; table += 1) {
    const previous = tables[table - 1]!
    tables.push(previous.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!))
  }
  return tables
}
