/** What a broker says of its own condition. */
export interface BrokerHealth {
  readonly ok: boolean
  readonly checks: readonly HealthCheck[]
  /** What the server's own settings make of "durable". */
  readonly durability: Durability
}

/** One thing that was looked at. */
export interface HealthCheck {
  /** As in `connection` or `consumer io`. */
  readonly name: string
  readonly ok: boolean
  /** When the server last answered it, by this process's clock; absent if it never did. */
  readonly lastRoundTripAt?: number
  readonly message?: string
}

/** What "durable" means on this server. */
export interface Durability {
  /** `process`: gone with this process; `weak`: a crash of the server may lose what it accepted; `strong`: it may not. */
  readonly level: 'process' | 'weak' | 'strong' | 'unknown'
  /** The settings behind it, in one line. */
  readonly summary: string
  /** What to change on the server, where it is weak. */
  readonly advice?: string
}
