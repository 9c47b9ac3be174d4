import type { GarbagePlace, GarbageTools } from '@ds/broker-testing'
import { randomUUID } from 'node:crypto'
import type { LogPort } from '../src/port/log-port.ts'
import { partitionOf, topologyOf } from '../src/topology.ts'

/** As a broker takes it where nothing else is said. */
export const PARTITIONS = 16

/** Puts into the server what the adapter did not write. */
export function garbageTools(port: LogPort): GarbageTools {
  const spoil = async (place: GarbagePlace, taskId: string, change: (record: Buffer) => Buffer): Promise<void> => {
    const { state } = topologyOf(place.namespace, PARTITIONS)
    const partition = partitionOf(taskId, PARTITIONS)
    const records = await recordsOf(port, state, partition)
    const [key, value] = [...records].find(([name]) => name.endsWith(`:${taskId}`)) ?? []
    if (key === undefined || !value) throw new Error(`there is no record of ${taskId}`)
    // Compaction leaves the newer of two records with one key: this is what "replaced" means here.
    await port.append([{ topic: state, partition, key: Buffer.from(key), value: change(value) }])
  }
  return {
    undecodable: async ({ namespace, queue }, bytes) => {
      const { state } = topologyOf(namespace, PARTITIONS)
      const partition = partitionOf(randomUUID(), PARTITIONS)
      await port.append([
        { topic: state, partition, key: Buffer.from(`garbage-${queue}-${randomUUID()}`), value: Buffer.from(bytes) },
      ])
    },
    fromTheFuture: (place, taskId) => spoil(place, taskId, (record) => replaced(record, '"schema":1', '"schema":2')),
    unknownField: (place, taskId) =>
      spoil(place, taskId, (record) => replaced(record, '"schema":1', '"schema":1,"mood":"good"')),
    corruptRecord: (place, taskId) => spoil(place, taskId, () => Buffer.from([0xff, 0xfe, 0x00, 0x7f])),
  }
}

function replaced(record: Buffer, text: string, by: string): Buffer {
  return Buffer.from(record.toString().replace(text, by))
}

/** How many records would be left of a namespace once all that can be compacted is. */
export async function recordsHeld(port: LogPort, namespace: string): Promise<number> {
  const { state, registry } = topologyOf(namespace, PARTITIONS)
  let total = 0
  for (let partition = 0; partition < PARTITIONS; partition++) total += (await recordsOf(port, state, partition)).size
  return total + (await recordsOf(port, registry, 0)).size
}

/** The newest value of each key, tombstones left out. */
async function recordsOf(port: LogPort, topic: string, partition: number): Promise<Map<string, Buffer>> {
  const end = (await port.endOffsets(topic, [partition])).get(partition) ?? 0
  const records = new Map<string, Buffer>()
  if (end === 0) return records
  const { promise, resolve } = Promise.withResolvers<void>()
  const tail = await port.tail({
    topic,
    onBatch: ({ entries, position }) => {
      for (const { key, value } of entries) {
        if (value === null) records.delete(String(key))
        else records.set(String(key), value)
      }
      if (position >= end) resolve()
    },
  })
  tail.setPartitions(new Map([[partition, 'start']]))
  await promise
  await tail.close()
  return records
}
