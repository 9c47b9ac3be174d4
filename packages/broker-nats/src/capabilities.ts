import { BrokerMisconfiguredError } from '@ds/core'
import type { BrokerCapabilities } from '@ds/core'
import { HANDOVER } from './jetstream/topology.ts'

/** What a message carries besides a payload: subject, headers, the rest of the record. */
const OVERHEAD = 16 * 1024
/** Messages that a replay of the log brings in a second, with 256 bytes of payload. */
const REPLAY_RATE = 60_000

export interface ServerLimits {
  /** Bytes of the largest message. */
  readonly maxMessage: number
}

/** What a record may take with the largest payloads that ride in it, escaped. */
const LEAST_MESSAGE = 64 * 1024

/** @throws BrokerMisconfiguredError where messages are too small for a record */
export function checkLimits({ maxMessage }: ServerLimits): void {
  if (maxMessage >= LEAST_MESSAGE) return
  throw new BrokerMisconfiguredError(`max_payload of the NATS server is ${maxMessage} bytes: too small for a task`, {
    fix: `Set it to ${LEAST_MESSAGE} or more; the default of the server is 1 MB`,
  })
}

/** What the broker can do on a server with these limits. */
export function capabilitiesOf(limits: ServerLimits, maxPayload: number): BrokerCapabilities {
  return {
    shared: true,
    persistent: true,
    batch: { inFlight: 2, maxItems: 500, maxBytes: 8 * 1024 * 1024 },
    claimAhead: 0,
    sweepInterval: 500,
    // An entry that was delivered and never claimed, because its worker died in between, comes back after this, whatever the lease.
    takeover: HANDOVER,
    delayTick: 200,
    readLag: 100,
    list: 'view',
    replayRate: REPLAY_RATE,
    settlement: 'decided',
    retentionByCount: false,
    queueLimit: true,
    maxPayload: Math.min(maxPayload, limits.maxMessage - OVERHEAD),
  }
}

/** Bytes that the errors of a task may take in its record. */
export function errorLimitOf({ maxMessage }: ServerLimits): number {
  return Math.min(256 * 1024, Math.floor(maxMessage / 4))
}
