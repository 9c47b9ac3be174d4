import { loopback } from '../../faults/ports.ts'
import type { Certificates } from '../certificates.ts'
import type { Ground } from '../ground.ts'
import type { RedisOptions } from './options.ts'

/** The text of redis.conf: one directive a line. */
export function redisConfiguration(options: RedisOptions, ground: Ground, certificates?: Certificates): string {
  const directives: Record<string, string> = {
    bind: loopback,
    daemonize: 'no',
    dir: ground.dataDir,
    // Snapshots would hide what the append-only file keeps or loses.
    save: '""',
    appendonly: (options.appendOnly ?? true) ? 'yes' : 'no',
    appendfsync: options.appendFsync ?? 'always',
    ...listening(options, ground, certificates),
    ...limits(options),
    ...replication(options),
    ...options.settings,
  }
  const lines = Object.entries(directives).map(([name, value]) => `${name} ${value}`)
  return [...lines, ...userLines(options), ''].join('\n')
}

function listening({ tls }: RedisOptions, ground: Ground, certificates?: Certificates): Record<string, string> {
  const port = String(ground.port(0))
  if (certificates === undefined) return { port }
  return {
    port: '0',
    'tls-port': port,
    'tls-cert-file': certificates.server.certificateFile,
    'tls-key-file': certificates.server.keyFile,
    'tls-ca-cert-file': certificates.authorityFile,
    'tls-auth-clients': tls === 'mutual' ? 'yes' : 'no',
    'tls-replication': 'yes',
    'tls-cluster': 'yes',
  }
}

function limits({ maxMemory, maxMemoryPolicy }: RedisOptions): Record<string, string> {
  return {
    ...(maxMemory === undefined ? {} : { maxmemory: maxMemory }),
    ...(maxMemoryPolicy === undefined ? {} : { 'maxmemory-policy': maxMemoryPolicy }),
  }
}

function replication({ replicaOf, password }: RedisOptions): Record<string, string> {
  return {
    ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
    ...(replicaOf === undefined ? {} : { replicaof: `${replicaOf.host} ${replicaOf.port}` }),
    // A new replica gets its copy at once rather than after five seconds.
    'repl-diskless-sync-delay': '0',
  }
}

function userLines({ users = [] }: RedisOptions): string[] {
  return users.map(({ name, password, rules = '~* &* +@all' }) => `user ${name} on >${password} ${rules}`)
}
