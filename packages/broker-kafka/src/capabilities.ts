import { BrokerMisconfiguredError } from '@ds/core'
import type { BrokerCapabilities, Durability } from '@ds/core'
import { SWEEP_INTERVAL } from './keeper/keeper.ts'
import type { TopicDescription } from './port/log-port.ts'
import { CLAIM_AHEAD } from './workers/claimer.ts'
import { BEAT_INTERVAL, GONE_AFTER } from './workers/presence.ts'

/** Bytes of a record besides args and result: the task, its errors, and what Kafka adds. */
const BESIDES = 256 * 1024

/** What this broker can do; `state` is the topic that holds everything, as it was found. */
export function capabilitiesOf(maxPayload: number, state?: TopicDescription): BrokerCapabilities {
  const largest = Number(state?.settings.get('max.message.bytes') ?? Infinity)
  return {
    shared: true,
    persistent: true,
    batch: { inFlight: 2, maxItems: 1000, maxBytes: 4 * 1024 * 1024 },
    claimAhead: CLAIM_AHEAD,
    sweepInterval: 2 * SWEEP_INTERVAL,
    takeover: GONE_AFTER + BEAT_INTERVAL,
    delayTick: 20,
    readLag: 200,
    list: 'view',
    replayRate: 100_000,
    settlement: 'recorded',
    retentionByCount: false,
    queueLimit: true,
    // A sealed task holds both of them in one record.
    maxPayload: Math.max(1, Math.min(maxPayload, Math.floor((largest - BESIDES) / 2))),
  }
}

/** What the server's settings make of "durable". */
export function durabilityOf(state: TopicDescription | undefined): Durability {
  if (!state) return { level: 'unknown', summary: 'the topics have not been looked at' }
  const { replicationFactor, settings } = state
  const inSync = settings.get('min.insync.replicas')
  const unclean = settings.get('unclean.leader.election.enable') === 'true'
  const replicas = replicationFactor === 1 ? '1 replica' : `${replicationFactor} replicas`
  const summary = `acks=all, ${replicas}, min.insync.replicas ${inSync ?? 'unknown'}${unclean ? ', unclean leader election' : ''}`
  if (unclean) return { level: 'weak', summary, advice: `Set unclean.leader.election.enable=false for ${state.topic}` }
  if (replicationFactor > 1 && inSync === '1')
    return { level: 'weak', summary, advice: `Set min.insync.replicas=2 for ${state.topic}` }
  if (inSync === undefined) return { level: 'unknown', summary }
  if (replicationFactor > 1) return { level: 'strong', summary }
  const advice =
    'A crash of the process loses nothing; for that of the machine, use three servers and replicationFactor 3'
  return { level: 'strong', summary, advice }
}

/** @throws BrokerMisconfiguredError where `requireDurable` asks for more than the settings give */
export function checkDurability({ level, summary, advice }: Durability, address: string): void {
  if (level !== 'weak') return
  throw new BrokerMisconfiguredError(`Kafka at ${address} is not durable (${summary}), and requireDurable is set`, {
    ...(advice !== undefined && { fix: advice }),
  })
}
