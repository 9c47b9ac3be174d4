import { KafkaAnswerError, nameOfCode } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { LogEntry, LogPosition, TopicPartition } from './log-port.ts'
import { leaderMissing, nameOf } from './offsets.ts'
import { readBatches } from './record-batch.ts'
import { FETCH, fetchRequest, readFetchAnswer } from './requests.ts'
import type { PartitionData } from './requests.ts'

const TIMEOUT = 4000
const FETCH_BYTES = 8 * 1024 * 1024
/** Of a partition of which much is asked, and of one of which little is; a larger batch of records still comes. */
const MANY_BYTES = 1024 * 1024
const FEW_BYTES = 16 * 1024
const FEW = 4

/** By partition and offset. */
type Found = Map<string, Map<number, LogEntry>>

/** Records of one partition that are still to be found, by rising offset. */
interface Wanted extends TopicPartition {
  readonly offsets: number[]
}

/** Reads single records that were read before, in the order asked for; undefined for those that are gone. */
export async function readAgain(
  link: KafkajsLink,
  places: readonly LogPosition[],
): Promise<readonly (LogEntry | undefined)[]> {
  await link.watch([...new Set(places.map(({ topic }) => topic))])
  const found: Found = new Map()
  let open = wantedOf(places)
  while (open.length > 0) {
    const groups = Map.groupBy(open, ({ topic, partition }) => link.leader(topic, partition))
    await Promise.all([...groups].map(([node, group]) => readFrom(link, node, { group, found })))
    open = open.filter(({ offsets }) => offsets.length > 0)
  }
  return places.map((place) => found.get(nameOf(place))?.get(place.offset))
}

function wantedOf(places: readonly LogPosition[]): Wanted[] {
  return [...Map.groupBy(places, nameOf).values()].flatMap((group) => {
    const [first] = group
    const offsets = [...new Set(group.map(({ offset }) => offset))].sort((a, b) => a - b)
    return first ? [{ topic: first.topic, partition: first.partition, offsets }] : []
  })
}

async function readFrom(
  link: KafkajsLink,
  node: number | undefined,
  { group, found }: { group: readonly Wanted[]; found: Found },
): Promise<void> {
  const [first] = group
  if (!first) return
  if (node === undefined) throw leaderMissing(link, first)
  const parts = group.map(({ topic, partition, offsets }) => ({
    topic,
    partition,
    offset: offsets[0] ?? 0,
    maxBytes: offsets.length > FEW ? MANY_BYTES : FEW_BYTES,
  }))
  const body = fetchRequest(parts, 0, FETCH_BYTES)
  const payload = await link.send(node, { kind: FETCH, body, timeout: TIMEOUT })
  const { partitions } = readFetchAnswer(payload)
  for (const wanted of group) {
    const data = partitions.find(({ topic, partition }) => partition === wanted.partition && topic === wanted.topic)
    if (data) take(wanted, data, found)
  }
  // The answer has no room for all: those that got nothing come first in the next one.
  const answered = partitions.some(({ records, errorCode }) => records.length > 0 || errorCode !== 0)
  if (!answered) for (const { offsets } of group) offsets.length = 0
}

/** Takes what was asked for out of an answer, and what the answer shows to be gone off the list. */
function take({ topic, partition, offsets }: Wanted, data: PartitionData, found: Found): void {
  const type = nameOfCode(data.errorCode)
  if (type === 'OFFSET_OUT_OF_RANGE') offsets.length = 0
  else if (data.errorCode !== 0) throw new KafkaAnswerError(type, `partition ${partition} of ${topic}`)
  const from = offsets[0]
  if (from === undefined || data.records.length === 0) return
  const { entries, next = from } = readBatches(data.records, from)
  const wanted = new Set(offsets)
  const name = nameOf({ topic, partition })
  const ofPartition = found.get(name) ?? new Map<number, LogEntry>()
  found.set(name, ofPartition)
  for (const entry of entries) if (wanted.has(entry.offset)) ofPartition.set(entry.offset, entry)
  const end = Math.max(next, (entries.at(-1)?.offset ?? -1) + 1)
  const left = offsets.filter((offset) => offset >= end)
  offsets.splice(0, offsets.length, ...left)
}
