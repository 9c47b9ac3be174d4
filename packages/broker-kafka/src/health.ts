import type { BrokerHealth, Durability, HealthCheck } from '@ds/core'
import type { LoopState } from './port/log-port.ts'

/** A loop that waits for an answer longer than this is unhealthy, in milliseconds. A poll that brings nothing is an answer. */
const STALE_AFTER = 3000

/** What a broker says of its own condition: whether each of its loops hears from a server. */
export function healthOf(loops: readonly LoopState[], durability: Durability): BrokerHealth {
  const now = Date.now()
  const checks = loops.map((loop) => checkOf(loop, now))
  return { ok: checks.every(({ ok }) => ok), checks, durability }
}

function checkOf({ name, lastAnswerAt, waiting, problem }: LoopState, now: number): HealthCheck {
  const ok = !waiting || now - (lastAnswerAt ?? 0) < STALE_AFTER
  const message = ok ? undefined : (problem ?? `no answer for ${now - (lastAnswerAt ?? now)} ms`)
  return {
    name,
    ok,
    ...(lastAnswerAt !== undefined && { lastRoundTripAt: lastAnswerAt }),
    ...(message !== undefined && { message }),
  }
}
