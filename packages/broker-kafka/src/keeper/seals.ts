import type { Parts } from '../parts.ts'
import type { Chain } from '../state/chain.ts'
import type { Entry } from '../state/entry.ts'
import { drawName } from '../state/keys.ts'
import type { Partition } from '../state/partition.ts'
import { payloadsOf } from '../state/payloads.ts'
import type { Payloads } from '../state/payloads.ts'
import type { StateWrite } from '../state/state-view.ts'

/** How long after its end a task is sealed, in milliseconds: the busiest time of its partition may be over by then. */
export const SEAL_AFTER = 10_000
/** Tasks to a round, and units of their payloads: what is left waits for the next look. */
const ROUND = 1000
const ROUND_SIZE = 8 * 1024 * 1024

/**
 * Writes a record with the whole of each finished task, if there are at least so many; behind it the records it was made of become litter.
 * Gives whether some may have been left over.
 */
export async function sealFinished(parts: Parts, kept: readonly Partition[], least: number): Promise<boolean> {
  const { view, clock } = parts
  const before = clock.now() - SEAL_AFTER
  const finished = kept.flatMap(({ unsealed }) => finishedBefore(unsealed, before, ROUND))
  if (finished.length < least) return false
  const entries = firstOf(finished, ROUND_SIZE)
  const tasks = entries.map(({ task }) => task)
  const payloads = await payloadsOf(parts, entries)
  const writes = entries.flatMap((entry, index) => {
    const found = payloads.get(entry)
    // What was retried or removed meanwhile is not finished any more.
    return found && entry.task === tasks[index] && !entry.gone ? [sealOf(entry, found)] : []
  })
  if (writes.length > 0) await view.write(writes)
  return entries.length === ROUND || entries.length < finished.length
}

/** At least one, and no more than a round can carry. */
function firstOf(entries: readonly Entry[], most: number): Entry[] {
  let size = 0
  const end = entries.findIndex((entry, index) => index >= ROUND || ((size += entry.size) > most && index > 0))
  return entries.slice(0, end < 0 ? entries.length : end)
}

/** Lets go of the finished tasks that are older than retention allows. Gives whether some may have been left over. */
export async function expireFinished(
  { view, clock }: Parts,
  kept: readonly Partition[],
  retention: number,
): Promise<boolean> {
  const before = clock.now() - retention
  const writes: StateWrite[] = []
  for (const { unsealed, sealed } of kept) {
    for (const chain of [unsealed, sealed]) {
      for (const entry of finishedBefore(chain, before, ROUND - writes.length)) writes.push(expiryOf(entry))
    }
  }
  if (writes.length > 0) await view.write(writes)
  return writes.length === ROUND
}

function finishedBefore(chain: Chain<Entry>, time: number, most: number): Entry[] {
  const found: Entry[] = []
  for (let entry = chain.first; entry && found.length < most; entry = entry.after) {
    // In the order in which they ended: the first that is young enough is followed by younger ones.
    if ((entry.task.completedAt ?? 0) > time) break
    found.push(entry)
  }
  return found
}

function sealOf({ id, partition, task, errors, retriedBy }: Entry, { args, result }: Payloads): StateWrite {
  return {
    id,
    partition,
    record: {
      type: 'sealed',
      nonce: drawName(),
      task,
      ...(errors && { errors }),
      ...(retriedBy !== undefined && { retriedBy }),
      argsLength: args.length,
      hasResult: result !== undefined,
    },
    payload: args + (result ?? ''),
  }
}

function expiryOf({ id, partition, task: { incarnation, version } }: Entry): StateWrite {
  return { id, partition, record: { type: 'expired', incarnation, version } }
}
