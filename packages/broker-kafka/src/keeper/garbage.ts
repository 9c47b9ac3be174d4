import type { Parts } from '../parts.ts'
import { sameKey } from '../state/keys.ts'
import type { Partition } from '../state/partition.ts'
import type { ParkedRecords } from '../registry/parked.ts'

/** Bytes to a round. */
const ROUND = 100

/** Takes what could not be decoded out of the log, to where people can look at it. */
export async function parkGarbage(
  { view, topology }: Parts,
  kept: readonly Partition[],
  parked: ParkedRecords,
): Promise<void> {
  for (const { index, garbage } of kept) {
    const found = [...garbage.values()].slice(0, ROUND)
    if (found.length === 0) continue
    await parked.add(found.map((each) => ({ ...each, partition: index })))
    // Behind the copy: a keeper that ends in between leaves it to the next one, who parks it under the same name.
    await view.append(
      found.map(({ key }) => ({ topic: topology.state, partition: index, key: sameKey(key), value: null })),
    )
  }
}
