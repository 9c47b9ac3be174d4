import type { Renewal, RenewAnswer, Result } from '@ds/core'
import type { StateWrite } from '../state/state-view.ts'
import type { Holding } from './holdings.ts'
import type { Holder } from './settlements.ts'
import { sameKey } from '../state/keys.ts'
import { encodeRecord } from '../state/records.ts'

const LOST: Result<RenewAnswer> = { ok: true, value: { status: 'lost' } }
const HELD: Result<RenewAnswer> = { ok: true, value: { status: 'held' } }

/** Who renews. */
export interface Renewer extends Holder {
  readonly consumer: string
  readonly lease: number
}

/**
 * Makes leases last again: one heartbeat for all that a consumer holds, and a record of each progress. A consumer that comes late,
 * because its process stood still, first reads what happened meanwhile.
 */
export async function renewAll(renewer: Renewer, items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
  const { parts, holdings, consumer, lease } = renewer
  const now = Date.now()
  const held = items.flatMap(({ lease: { token } }) => holdings.get(token) ?? [])
  if (held.length > 0) {
    if (held.some(({ namedAt }) => now - namedAt > lease)) await catchUp(renewer)
    for (const holding of held) holding.namedAt = now
    await Promise.all([parts.presence.heartbeat(consumer), writeProgress(renewer, items)])
  }
  return items.map(({ lease: { token } }) => answerOf(holdings.get(token)))
}

async function catchUp({ parts, holdings }: Renewer): Promise<void> {
  await Promise.all([...holdings.partitions()].map((partition) => parts.view.newest(partition)))
}

async function writeProgress({ parts, holdings }: Renewer, items: readonly Renewal[]): Promise<void> {
  const records = items.flatMap(({ lease: { token }, progress }) => {
    const holding = holdings.get(token)
    if (!holding || progress === undefined || holding.settled || !(progress > holding.entry.task.progress)) return []
    return [progressRecord(holding, progress)]
  })
  if (records.length === 0) return
  const { state: topic } = parts.topology
  await parts.view.append(records.map((record) => ({ topic, ...record })))
}

/** Of the progress of a claim only the newest counts, so that its records may share a key and leave one behind. */
function progressRecord(
  { entry, claim }: Holding,
  progress: number,
): Pick<StateWrite, 'partition'> & { key: Buffer; value: Buffer } {
  const value = encodeRecord({ type: 'progress', claim, progress })
  return { partition: entry.partition, key: sameKey(`${claim}:${entry.id}`), value }
}

function answerOf(holding: Holding | undefined): Result<RenewAnswer> {
  if (!holding) return LOST
  const { cancelRequested } = holding.entry.task
  return cancelRequested ? { ok: true, value: { status: 'held', cancel: cancelRequested } } : HELD
}
