/**
 * What differs between brokers, as data: read by the runtime, the conformance kit and the documentation. What a broker lacks is
 * refused with a `NotSupportedError` that names the alternative; it is never left out silently.
 */
export interface BrokerCapabilities {
  /** Other processes reach the same tasks. False: pools and remote managers are refused. */
  readonly shared: boolean
  /** Tasks survive the end of the process that created them and a restart of the server. */
  readonly persistent: boolean
  /** How the batcher feeds it. */
  readonly batch: BatchLimits
  /** Tasks a consumer may claim beyond those it hands out. 0 means: never more than asked for. */
  readonly claimAhead: number
  /** Milliseconds between two looks for expired leases: a dead worker's task waits at most lease + sweep + takeover. */
  readonly sweepInterval: number
  /** Milliseconds a dead worker's own duties may take to move to another on top of that. */
  readonly takeover: number
  /** Milliseconds a due delay may wait for the scheduler's next look. */
  readonly delayTick: number
  /** Milliseconds after which other processes see a write. */
  readonly readLag: number
  /** `indexed`: the server finds the page; `view`: it comes from a replay held by the manager's process. */
  readonly list: 'indexed' | 'view'
  /** Of a view: records a second it replays when a process starts. */
  readonly replayRate?: number
  /** `decided`: the answer of `settle` is the verdict; `recorded`: it may come before the log has decided, and `get` tells. */
  readonly settlement: 'decided' | 'recorded'
  /** Whether `retention.count` is kept; `retention.age` always is. Where false, the adapter refuses the option. */
  readonly retentionByCount: boolean
  /** Whether `maxQueued` is kept. Where false, tasks that carry it are refused. */
  readonly queueLimit: boolean
  /** Bytes of encoded args, and of an encoded result, that it takes. Read at connect. */
  readonly maxPayload: number
}

/** How many items travel together, and how many batches at once. */
export interface BatchLimits {
  /** Batches of one kind that may be under way at once. */
  readonly inFlight: number
  readonly maxItems: number
  /** Bytes of payload in one batch; a single larger item still travels alone. */
  readonly maxBytes: number
}

/** Bytes of encoded args, and of an encoded result, where nothing else is said. */
export const DEFAULT_MAX_PAYLOAD: number = 512 * 1024
/** How long finished tasks are kept where nothing else is said: a week, in milliseconds. */
export const DEFAULT_RETENTION: { readonly age: number } = { age: 7 * 24 * 3600 * 1000 }
