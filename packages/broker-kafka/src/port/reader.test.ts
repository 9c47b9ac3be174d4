import { Buffer } from 'node:buffer'
import { afterEach, expect, test, vi } from 'vitest'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { LogBatch } from './log-port.ts'
import { BATCH_OVERHEAD, sizeLimitOf, writeBatch, writeLong } from './record-batch.ts'
import { Reader } from './reader.ts'

const TOPIC = 'a topic'
const PLACE = { topic: TOPIC, partition: 0 }
const OUT_OF_RANGE = 1

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, 4 * index)
  return bytes
}

function int64(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [index, value] of values.entries()) writeLong(bytes, value, 8 * index)
  return bytes
}

function batch(offset: number): Buffer {
  const record = { key: Buffer.from('k'), value: Buffer.from(String(offset)), headers: [] }
  const bytes = Buffer.alloc(BATCH_OVERHEAD + sizeLimitOf(record))
  const end = writeBatch(bytes, 0, [record])
  writeLong(bytes, offset, 0)
  return bytes.subarray(0, end)
}

/** A server whose log has so many records, and that can be made to say no once; answers when it is told to. */
class Server {
  end = 0
  refusals = 0
  readonly asked: number[] = []
  readonly #waiting: (() => void)[] = []

  readonly link = {
    address: 'nowhere',
    leader: () => 1,
    topic: () => undefined,
    watch: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
    send: (_node: number, { body }: { body: Buffer }) => this.#fetch(body),
    ask: (_node: number, _exchange: unknown, request: (broker: unknown) => Promise<unknown>) =>
      request({ listOffsets: (wanted: Parameters<Server['offsets']>[0]) => Promise.resolve(this.offsets(wanted)) }),
  } as unknown as KafkajsLink

  offsets({ topics }: { topics: { partitions: { timestamp: number }[] }[] }): unknown {
    const which = topics[0]?.partitions[0]?.timestamp
    return {
      responses: [{ topic: TOPIC, partitions: [{ partition: 0, offset: String(which === -2 ? 0 : this.end) }] }],
    }
  }

  /** Answers all fetches that wait. */
  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #fetch(body: Buffer): Promise<Buffer> {
    const offset = Number(body.readBigInt64BE(29 + 2 + TOPIC.length + 4 + 8))
    this.asked.push(offset)
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const code = this.refusals > 0 ? OUT_OF_RANGE : 0
    this.refusals -= 1
    const count = code === 0 ? Math.max(0, this.end - offset) : 0
    const records = Buffer.concat(Array.from({ length: count }, (_, index) => batch(offset + index)))
    const head = [int32(0), int16(0), int32(0), int32(1), int16(TOPIC.length), Buffer.from(TOPIC), int32(1)]
    return Buffer.concat([...head, int32(0), int16(code), int64(this.end, 0, 0), int32(0, records.length), records])
  }
}

const readers: Reader[] = []
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close()
})

function readerOn(server: Server): { reader: Reader; batches: LogBatch[] } {
  const batches: LogBatch[] = []
  const options = { link: server.link, name: 'test', maxBytesPerPartition: 1024 * 1024 }
  const reader = new Reader({ ...options, onBatch: (each) => void batches.push(each) })
  readers.push(reader)
  reader.read(PLACE, 0)
  return { reader, batches }
}

function offsetsOf(batches: readonly LogBatch[]): number[] {
  return batches.flatMap(({ entries }) => entries.map(({ offset }) => offset))
}

test('what a fetch brings after its partition was paused is asked for again: its end is old by then', async () => {
  const server = new Server()
  const { reader, batches } = readerOn(server)
  await vi.waitFor(() => expect(server.asked).toEqual([0]))
  reader.pause([PLACE])
  server.end = 1
  server.answer()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(batches).toEqual([])
  server.end = 3
  reader.resume([PLACE])
  await vi.waitFor(() => expect(server.asked).toEqual([0, 0]))
  server.answer()
  await vi.waitFor(() => expect(offsetsOf(batches)).toEqual([0, 1, 2]))
  expect(batches.map(({ end }) => end)).toEqual([3])
})

test('what is skipped is not handed over again, and reading goes on behind it', async () => {
  const server = new Server()
  const { reader, batches } = readerOn(server)
  await vi.waitFor(() => expect(server.asked).toEqual([0]))
  reader.skip(PLACE, 2)
  server.end = 2
  server.answer()
  await vi.waitFor(() => expect(server.asked.at(-1)).toBe(2))
  server.end = 3
  server.answer()
  await vi.waitFor(() => expect(offsetsOf(batches)).toEqual([2]))
})

test('a server that wrongly says that an offset is gone is asked again, and nothing is left out', async () => {
  const server = new Server()
  server.end = 2
  server.refusals = 1
  const { batches } = readerOn(server)
  await vi.waitFor(() => expect(server.asked).toEqual([0]))
  server.answer()
  await vi.waitFor(() => expect(server.asked).toEqual([0, 0]))
  server.answer()
  await vi.waitFor(() => expect(offsetsOf(batches)).toEqual([0, 1]))
})

test('a reading that is skipped on while its bounds are asked for goes on', async () => {
  const server = new Server()
  server.end = 0
  server.refusals = 1
  const { reader, batches } = readerOn(server)
  await vi.waitFor(() => expect(server.asked).toEqual([0]))
  server.answer()
  reader.skip(PLACE, 2)
  server.end = 3
  await vi.waitFor(() => expect(server.asked.at(-1)).toBe(2))
  server.answer()
  await vi.waitFor(() => expect(offsetsOf(batches)).toEqual([2]))
})
