import type { Parts } from '../parts.ts'
import type { Chain } from '../state/chain.ts'
import type { Entry } from '../state/entry.ts'
import { drawName } from '../state/keys.ts'
import type { Partition } from '../state/partition.ts'
import type { StateWrite } from '../state/state-view.ts'

/** How long after its end a task is sealed, in milliseconds: the busiest time of its partition may be over by then. */
export const SEAL_AFTER = 10_000
/** Tasks to a round: what is left waits for the next look. */
const ROUND = 1000

/** Writes a record with the whole of each finished task; behind it the records it was made of become litter. */
export async function sealFinished({ view, clock }: Parts, kept: readonly Partition[]): Promise<void> {
  const now = clock.now()
  const writes: StateWrite[] = []
  for (const { unsealed } of kept) {
    for (const entry of finishedBefore(unsealed, now - SEAL_AFTER, ROUND - writes.length)) writes.push(sealOf(entry))
  }
  if (writes.length > 0) await view.write(writes)
}

/** Lets go of the finished tasks that are older than retention allows. */
export async function expireFinished(
  { view, clock }: Parts,
  kept: readonly Partition[],
  retention: number,
): Promise<void> {
  const before = clock.now() - retention
  const writes: StateWrite[] = []
  for (const { unsealed, sealed } of kept) {
    for (const chain of [unsealed, sealed]) {
      for (const entry of finishedBefore(chain, before, ROUND - writes.length)) writes.push(expiryOf(entry))
    }
  }
  if (writes.length > 0) await view.write(writes)
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

function sealOf({ id, partition, task, args, result, errors, retriedBy }: Entry): StateWrite {
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
