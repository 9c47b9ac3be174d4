import type { Parts } from '../parts.ts'
import { consumerOf } from '../state/entry.ts'
import type { Claim, Entry } from '../state/entry.ts'
import type { Partition } from '../state/partition.ts'

/**
 * Ends the claims whose lease ran out. Time is the server's, and silence counts only as far as it was heard: before a claim is ended,
 * everything that was written up to now is read.
 */
export async function loseExpired(parts: Parts, kept: readonly Partition[]): Promise<void> {
  const { presence, clock, view } = parts
  const unheard = Date.now() - presence.unbrokenSince
  const suspected = expiredOf(parts, kept, clock.now()).filter(({ claim }) => claim && unheard > claim.lease)
  if (suspected.length === 0) return
  const now = await presence.mark()
  const expired = expiredOf(parts, kept, now).filter(({ claim }) => claim && unheard > claim.lease)
  if (expired.length === 0) return
  await view.write(
    expired.map(({ id, partition, claim }) => ({
      id,
      partition,
      record: { type: 'lost', claim: claim?.name ?? '' },
    })),
  )
}

function expiredOf(parts: Parts, kept: readonly Partition[], now: number): Entry[] {
  const expired: Entry[] = []
  for (const { running } of kept) {
    for (let entry = running.first; entry; entry = entry.after) {
      if (entry.claim && isExpired(parts, entry.claim, now)) expired.push(entry)
    }
  }
  return expired
}

function isExpired({ presence }: Parts, claim: Claim, now: number): boolean {
  const heartbeat = presence.heartbeatOf(consumerOf(claim.name)) ?? 0
  return now - Math.max(claim.at, heartbeat) > claim.lease
}
