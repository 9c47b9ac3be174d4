import type { GroundOptions } from '../ground.ts'

/** How clients prove who they are. */
export type KafkaSaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** A user of Kafka. */
export interface KafkaUser {
  name: string
  password: string
}

/** What a Kafka broker for tests is started with. It is broker and controller (KRaft) in one process. */
export interface KafkaOptions extends GroundOptions {
  /** Which release, from Maven Central. Default `4.3.1`. */
  version?: `${number}.${number}.${number}`
  /** Start a process even when DS_TEST_KAFKA_URL names a server. Default: only when another option is given. */
  ownProcess?: boolean
  /**
   * The port that is announced to clients, when they are to come through a proxy: a client that has found the broker goes
   * on to the address that the broker announces.
   */
  announcedPort?: number
  /** Clients have to log in as one of `users`; its URL then carries the first of them. */
  sasl?: { mechanism: KafkaSaslMechanism; users: readonly KafkaUser[] }
  /** Speaks TLS only to clients; `mutual` also asks them for a certificate. */
  tls?: 'server' | 'mutual'
  /** The largest heap of the Java process. Default `1g`. */
  maxHeap?: string
  /** Default `['-XX:TieredStopAtLevel=1']`: starts in half the time; pass `[]` to measure speed. */
  javaOptions?: readonly string[]
  /** More lines of server.properties; they win over all others. */
  settings?: Readonly<Record<string, string>>
}
