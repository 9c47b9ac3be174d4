import { deal } from './deal.ts'
import type { Member } from './presence.ts'

/** Which partitions each consumer serves, by consumer and queue, and which ones this process keeps in order. */
export interface Duties {
  /** Partitions of each queue of each consumer that has room. */
  readonly served: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>
  /** Partitions whose leases, seals and retention are this process's to see to. */
  readonly kept: readonly number[]
}

/** Deals everything to those who are there. `self` is this process's name among them. */
export function dutiesOf(members: readonly Member[], self: string, partitions: number): Duties {
  const ofQueues = new Map<string, string[]>()
  for (const { consumers } of members) {
    for (const { id, queues, hungry } of consumers) {
      if (!hungry) continue
      for (const queue of queues) ofQueues.set(queue, [...(ofQueues.get(queue) ?? []), id])
    }
  }
  const served = new Map<string, Map<string, readonly number[]>>()
  const keepers = new Map<number, string>()
  for (const [queue, consumers] of [...ofQueues].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const [consumer, hand] of deal(consumers.toSorted(), partitions)) {
      const queues = served.get(consumer) ?? new Map<string, readonly number[]>()
      served.set(consumer, queues.set(queue, hand))
      for (const partition of hand) if (!keepers.has(partition)) keepers.set(partition, consumer)
    }
  }
  return { served, kept: keptBy(self, keepers, members, partitions) }
}

/** Whoever serves a partition reads it anyhow, and keeps it too; those that nobody serves are dealt to everybody. */
function keptBy(
  self: string,
  keepers: ReadonlyMap<number, string>,
  members: readonly Member[],
  partitions: number,
): number[] {
  const own = new Set(members.find(({ id }) => id === self)?.consumers.map(({ id }) => id))
  const dealt = new Set(deal(members.map(({ id }) => id).toSorted(), partitions).get(self))
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return all.filter((partition) => {
    const keeper = keepers.get(partition)
    return keeper === undefined ? dealt.has(partition) : own.has(keeper)
  })
}
