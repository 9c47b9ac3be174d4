import type { GroundOptions } from '../ground.ts'

/** A user of NATS. */
export interface NatsUser {
  name: string
  password: string
  /** Subjects it may publish and subscribe to, in NATS' own notation. Default: all. */
  permissions?: string
}

/** What a NATS server for tests is started with. */
export interface NatsOptions extends GroundOptions {
  /** The program to run instead of the `nats-server` that is found. */
  executable?: string
  /** Start a process even when DS_TEST_NATS_URL names a server. Default: only when another option is given. */
  ownProcess?: boolean
  /**
   * `debian`: the one of the Debian package. `latest` or `2.11.4`: built with Go, once, and kept in the cache folder.
   * Default: whichever is found first on the PATH, as a Debian package, or built as the latest.
   */
  version?: 'debian' | 'latest' | `${number}.${number}.${number}`
  /** Whether it keeps streams. Default true. */
  jetStream?: boolean
  /** How often JetStream writes through to the disk: `always`, `1s`. Default: NATS' own two minutes. Needs 2.10. */
  syncInterval?: string
  /** The token that clients show. Its URL then carries it. */
  token?: string
  /** Its URL then carries the first of them. */
  users?: readonly NatsUser[]
  /** The largest message in bytes. Default: NATS' own 1 MiB. */
  maxPayload?: number
  /** Speaks TLS only; `mutual` also asks the client for a certificate. */
  tls?: 'server' | 'mutual'
  /** More lines for nats-server's configuration file, at its end. */
  settings?: string
}
