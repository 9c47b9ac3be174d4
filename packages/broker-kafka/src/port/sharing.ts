import { Buffer } from 'node:buffer'
import { AssignerProtocol } from 'kafkajs'
import type { TopicPartition } from './log-port.ts'

/** The name under which members agree on this way to share. */
export const SHARING = 'ds-sticky'

/** One that takes part in the sharing. */
export interface Sharer {
  readonly member: string
  readonly topics: readonly string[]
  /** What it had before. */
  readonly owned: readonly TopicPartition[]
}

/** What one gets: topic to partitions. */
export type Share = Readonly<Record<string, readonly number[]>>

/**
 * Deals partitions among members: evenly, only topics that a member asked for, and as many as can be to those who had them before, so
 * that little moves when somebody joins or leaves.
 */
export function share(sharers: readonly Sharer[], counts: ReadonlyMap<string, number>): Map<string, Share> {
  const shares = new Map(sharers.map(({ member }) => [member, new Map<string, number[]>()]))
  const load = new Map(sharers.map(({ member }) => [member, 0]))
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const takers = sharers.filter(({ topics }) => topics.includes(topic))
    if (takers.length > 0) dealTopic({ topic, count, takers, load, shares })
  }
  return new Map([...shares].map(([member, topics]) => [member, Object.fromEntries(topics)]))
}

interface Deal {
  readonly topic: string
  readonly count: number
  readonly takers: readonly Sharer[]
  readonly load: Map<string, number>
  readonly shares: ReadonlyMap<string, Map<string, number[]>>
}

function dealTopic({ topic, count, takers, load, shares }: Deal): void {
  const least = Math.floor(count / takers.length)
  let more = count % takers.length
  const free = new Set(Array.from({ length: count }, (_, partition) => partition))
  const got = new Map<string, number[]>()
  for (const { member, owned } of byOwned(takers, topic)) {
    const had = owned
      .filter((place) => place.topic === topic && free.has(place.partition))
      .map((place) => place.partition)
    const most = had.length > least && more > 0 ? least + 1 : least
    if (most > least) more -= 1
    const kept = had.sort((a, b) => a - b).slice(0, most)
    for (const partition of kept) free.delete(partition)
    got.set(member, kept)
  }
  for (const partition of free) {
    const poorest = [...got].sort(
      ([a, as], [b, bs]) => as.length - bs.length || (load.get(a) ?? 0) - (load.get(b) ?? 0),
    )
    poorest[0]?.[1].push(partition)
  }
  for (const [member, partitions] of got) {
    load.set(member, (load.get(member) ?? 0) + partitions.length)
    if (partitions.length > 0) shares.get(member)?.set(topic, partitions)
  }
}

/** Who had most comes first: the odd partitions stay where they are. */
function byOwned(takers: readonly Sharer[], topic: string): Sharer[] {
  const owned = ({ owned }: Sharer): number => owned.filter((place) => place.topic === topic).length
  return [...takers].sort((a, b) => owned(b) - owned(a) || (a.member < b.member ? -1 : 1))
}

/** What a member says when it joins. */
export function encodeSubscription(topics: readonly string[], owned: readonly TopicPartition[]): Buffer {
  const userData = Buffer.from(JSON.stringify(owned))
  return AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [...topics], userData })
}

/** What a member said; what it had is a wish and may be missing. */
export function decodeSubscription(member: string, metadata: Buffer): Sharer {
  const { topics = [], userData } = AssignerProtocol.MemberMetadata.decode(metadata) ?? {}
  try {
    return { member, topics, owned: JSON.parse(String(userData)) as TopicPartition[] }
  } catch {
    return { member, topics, owned: [] }
  }
}

export function encodeShare(share: Share): Buffer {
  const assignment = Object.fromEntries(Object.entries(share).map(([topic, partitions]) => [topic, [...partitions]]))
  return AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) })
}

export function decodeShare(assignment: Buffer): TopicPartition[] {
  const decoded = AssignerProtocol.MemberAssignment.decode(assignment)
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
