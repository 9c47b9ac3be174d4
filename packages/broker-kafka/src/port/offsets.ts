import { KafkaAnswerError, nameOfCode } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { NativeOffsets } from './kafkajs-native.ts'
import type { TopicPartition } from './log-port.ts'

const TIMEOUT = 4000
/** The server's words for the two ends of a partition. */
const ENDS = { start: -2, end: -1 } as const

/** The first or the next offset of each partition, from their leaders. The answers are under the objects that were given. */
export async function listOffsets<Place extends TopicPartition>(
  link: KafkajsLink,
  places: readonly Place[],
  which: 'start' | 'end',
): Promise<ReadonlyMap<Place, number>> {
  const found = new Map<Place, number>()
  const groups = Map.groupBy(places, ({ topic, partition }) => link.leader(topic, partition))
  await Promise.all(
    [...groups].map(async ([node, group]) => {
      if (node === undefined) throw new KafkaAnswerError('LEADER_NOT_AVAILABLE', group.map(nameOf).join(', '))
      const topics = byTopic(group, ({ partition }) => ({ partition, timestamp: ENDS[which] }))
      const { responses } = await link.ask(node, { what: 'ListOffsets', timeout: TIMEOUT }, (broker) =>
        broker.listOffsets({ replicaId: -1, isolationLevel: 0, topics }),
      )
      const offsets = offsetsByName(responses)
      for (const place of group) {
        const offset = offsets.get(nameOf(place))
        if (offset !== undefined) found.set(place, offset)
      }
    }),
  )
  return found
}

/** Where a partition begins and ends now. */
export async function boundsOf(link: KafkajsLink, place: TopicPartition): Promise<readonly [number, number]> {
  const [starts, ends] = await Promise.all([listOffsets(link, [place], 'start'), listOffsets(link, [place], 'end')])
  return [starts.get(place) ?? 0, ends.get(place) ?? 0]
}

/** That a server said no to a partition. */
export function refusal(type: string, { topic, partition }: TopicPartition): KafkaAnswerError {
  return new KafkaAnswerError(type, `partition ${partition} of ${topic}`)
}

/** Why a partition has no leader, as far as known. */
export function leaderMissing(link: KafkajsLink, place: TopicPartition): KafkaAnswerError {
  const known = link.topic(place.topic)
  if (known && known.errorCode !== 0) return refusal(nameOfCode(known.errorCode), place)
  const isThere = known?.partitions.some(({ partition }) => partition === place.partition)
  return refusal(isThere ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION', place)
}

/** Partitions grouped the way requests name them. */
export function byTopic<Place extends TopicPartition, Part>(
  places: readonly Place[],
  part: (place: Place) => Part,
): { topic: string; partitions: Part[] }[] {
  const groups = Map.groupBy(places, ({ topic }) => topic)
  return [...groups].map(([topic, group]) => ({ topic, partitions: group.map(part) }))
}

/** Offsets of an answer under `topic partition`. */
export function offsetsByName(responses: readonly NativeOffsets[]): Map<string, number> {
  const offsets = new Map<string, number>()
  for (const { topic, partitions } of responses) {
    for (const { partition, offset } of partitions) offsets.set(nameOf({ topic, partition }), Number(offset))
  }
  return offsets
}

/** One word for a partition. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`
}
