import path from 'node:path'
import { loopback } from '../../faults/ports.ts'
import type { Certificates } from '../certificates.ts'
import type { Ground } from '../ground.ts'
import type { NatsOptions } from './options.ts'

/** How a member of a cluster finds the others. */
export interface NatsCluster {
  name: string
  port: number
  /** The cluster ports of all members. */
  routes: readonly number[]
}

/** Names the server, so that it can be told from another one that took its port. */
export function natsServerName(ground: Ground): string {
  return path.basename(ground.dataDir)
}

/** The text of nats-server's configuration file. JSON values are valid in it. */
export function natsConfiguration(
  options: NatsOptions,
  ground: Ground,
  { certificates, cluster }: { certificates?: Certificates; cluster?: NatsCluster },
): string {
  const settings: Record<string, unknown> = {
    server_name: natsServerName(ground),
    host: loopback,
    port: ground.port(0),
    http: `${loopback}:${ground.port(1)}`,
    ...(options.jetStream === false ? {} : { jetstream: jetStream(options, ground) }),
    ...(options.maxPayload === undefined ? {} : { max_payload: options.maxPayload }),
    ...authorization(options),
    ...(certificates === undefined ? {} : { tls: tls(certificates, options) }),
    ...(cluster === undefined ? {} : { cluster: clusterOf(cluster) }),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return [...lines, options.settings ?? '', ''].join('\n')
}

function jetStream({ syncInterval }: NatsOptions, ground: Ground): Record<string, string> {
  return {
    store_dir: path.join(ground.dataDir, 'store'),
    ...(syncInterval === undefined ? {} : { sync_interval: syncInterval }),
  }
}

function authorization({ token, users }: NatsOptions): Record<string, unknown> {
  if (token !== undefined) return { authorization: { token } }
  if (users === undefined) return {}
  return { authorization: { users: users.map(({ name: user, ...rest }) => ({ user, ...rest })) } }
}

function tls(certificates: Certificates, options: NatsOptions): Record<string, unknown> {
  return {
    cert_file: certificates.server.certificateFile,
    key_file: certificates.server.keyFile,
    ca_file: certificates.authorityFile,
    verify: options.tls === 'mutual',
  }
}

function clusterOf({ name, port, routes }: NatsCluster): Record<string, unknown> {
  return {
    name,
    listen: `${loopback}:${port}`,
    routes: routes.map((route) => `nats-route://${loopback}:${route}`),
  }
}
