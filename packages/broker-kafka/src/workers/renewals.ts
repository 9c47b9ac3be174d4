import type { Renewal, RenewAnswer, Result } from '@ds/core'
import type { StateWrite } from '../state/state-view.ts'
import type { Holding } from './holdings.ts'
import type { Holder } from './settlements.ts'

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
  const writes = items.flatMap(({ lease: { token }, progress }): StateWrite[] => {
    const holding = holdings.get(token)
    if (!holding || progress === undefined || holding.settled || !(progress > holding.entry.task.progress)) return []
    const { entry, claim } = holding
    return [{ id: entry.id, partition: entry.partition, record: { type: 'progress', claim, progress } }]
  })
  if (writes.length > 0) await parts.view.write(writes)
}

function answerOf(holding: Holding | undefined): Result<RenewAnswer> {
  if (!holding) return LOST
  const { cancelRequested } = holding.entry.task
  return cancelRequested ? { ok: true, value: { status: 'held', cancel: cancelRequested } } : HELD
}
