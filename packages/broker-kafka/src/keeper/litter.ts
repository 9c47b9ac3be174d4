import type { Parts } from '../parts.ts'
import type { LogRecord } from '../port/log-port.ts'
import { sameKey } from '../state/keys.ts'
import type { Partition } from '../state/partition.ts'

/** Records are left for so long after they lost their meaning, in milliseconds: whoever owns the partition by then sees to them once. */
const LITTER_AFTER = 1000
/** Tombstones to a round. */
const ROUND = 4000

/**
 * Writes tombstones for records that say nothing any more, in the order in which they stand, if there are at least so many. Gives whether
 * some may have been left over.
 */
export async function clearLitter(
  { view, clock, topology }: Parts,
  kept: readonly Partition[],
  least: number,
): Promise<boolean> {
  const before = clock.now() - LITTER_AFTER
  const records: LogRecord[] = []
  for (const { index, litter } of kept) {
    for (const [key, at] of litter) {
      if (at > before || records.length >= ROUND) break
      records.push({ topic: topology.state, partition: index, key: sameKey(key), value: null })
    }
  }
  if (records.length >= least) await view.append(records)
  return records.length >= ROUND
}
