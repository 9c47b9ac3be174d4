import { BrokerMisconfiguredError } from '@ds/core'
import { isAtLeast } from './versions.ts'

/** Since then a replicated stream looks at the expected revision when it applies a write, not only when it takes it in. */
const SAFE = [2, 9, 21] as const

/**
 * Refuses replicas on a server that may tell two writers which expect the same revision that both have won (nats-server before 2.9.21,
 * fixed there by its commit e1a00a883): a task could be cancelled and started.
 * @throws BrokerMisconfiguredError
 */
export function checkReplication(version: string | undefined, replicas: number): void {
  if (replicas <= 1 || version === undefined || isAtLeast(version, SAFE)) return
  throw new BrokerMisconfiguredError(
    `nats-server ${version} with ${replicas} replicas may let two writers win at once: a task could be cancelled and started`,
    { fix: 'Use nats-server 2.9.21 or a later one, or one replica' },
  )
}
