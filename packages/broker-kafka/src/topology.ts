import type { TopicSettings } from './port/log-port.ts'

/** The topics of a namespace. */
export interface Topology {
  /** What decides: one partition holds all records of a task. */
  readonly state: string
  /** Who is there, and which leases were renewed. */
  readonly workers: string
  /** Descriptions of Apps, and bytes that could not be decoded. */
  readonly registry: string
  readonly partitions: number
}

/** Where the records of a namespace lie. Namespaces hold no dots, so that no name is the beginning of another's. */
export function topologyOf(namespace: string, partitions: number): Topology {
  const prefix = `ds.${namespace}`
  return { state: `${prefix}.state`, workers: `${prefix}.workers`, registry: `${prefix}.registry`, partitions }
}

const HOUR = 3_600_000
/** Servers refuse requests over 100 MiB by default, whatever a topic allows. */
const LARGEST_MESSAGE = 64 * 1024 * 1024

/** What the topics are to hold, and how safely. What is not said is the server's to choose. */
export interface TopicLimits {
  readonly maxPayload: number
  readonly replicationFactor: number | undefined
  readonly minInSyncReplicas: number | undefined
}

/** How the topics are created. `maxPayload` is what args and result may take each; a sealed record holds both. */
export function topicSettings(
  topology: Topology,
  { maxPayload, replicationFactor, minInSyncReplicas }: TopicLimits,
): TopicSettings[] {
  const maxMessage = String(Math.min(Math.max(2 * maxPayload + 512 * 1024, 4 * 1024 * 1024), LARGEST_MESSAGE))
  const stamped = {
    'message.timestamp.type': 'LogAppendTime',
    ...(minInSyncReplicas !== undefined && { 'min.insync.replicas': String(minInSyncReplicas) }),
  }
  const compacted = {
    ...stamped,
    'cleanup.policy': 'compact',
    // Compaction never touches the segment that is written to: without these a small topic is never compacted.
    'segment.ms': String(HOUR),
    'min.cleanable.dirty.ratio': '0.1',
    'max.compaction.lag.ms': String(2 * HOUR),
    'max.message.bytes': maxMessage,
  }
  const presence = {
    ...stamped,
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(24 * HOUR),
    'segment.ms': String(HOUR),
    'min.cleanable.dirty.ratio': '0.1',
  }
  const replicas = replicationFactor === undefined ? {} : { replicationFactor }
  return [
    { topic: topology.state, partitions: topology.partitions, settings: compacted, ...replicas },
    { topic: topology.workers, partitions: 1, settings: presence, ...replicas },
    { topic: topology.registry, partitions: 1, settings: compacted, ...replicas },
  ]
}

/** The partition that holds all records of a task. It must give the same number for ever: FNV-1a over the units of the id. */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index++) {
    const unit = id.charCodeAt(index)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >> 8), 0x01000193)
  }
  // The low bits of FNV alone are uneven for short ids that count up.
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  return (hash >>> 0) % partitions
}
