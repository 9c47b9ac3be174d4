import type { GroundOptions } from '../ground.ts'

/** A user of Redis: what `ACL SETUSER` takes. */
export interface RedisUser {
  name: string
  password: string
  /** Default: everything (`~* &* +@all`). */
  rules?: string
}

/** What a Redis server for tests is started with. */
export interface RedisOptions extends GroundOptions {
  /** The program to run instead of the `redis-server` or `valkey-server` that is found. */
  executable?: string
  /** Start a process even when DS_TEST_REDIS_URL names a server. Default: only when another option is given. */
  ownProcess?: boolean
  /** Whether it keeps an append-only file. Default true: what it acknowledged survives `kill`. */
  appendOnly?: boolean
  /** Default `always`. With `everysec` (Redis' own default) the server may hold a write back for up to two seconds. */
  appendFsync?: 'always' | 'everysec' | 'no'
  /** The password of the default user. */
  password?: string
  /** Users beside the default one. */
  users?: readonly RedisUser[]
  /** As Redis writes it: `64mb`. Default: no limit. */
  maxMemory?: string
  /** Default `noeviction`. */
  maxMemoryPolicy?: string
  /** Listens with TLS only; `mutual` also asks the client for a certificate. */
  tls?: 'server' | 'mutual'
  /** Makes it a replica of that server, with the same `tls` and `password`. */
  replicaOf?: { host: string; port: number }
  /** More directives of redis.conf; they win over all others. */
  settings?: Readonly<Record<string, string>>
}
