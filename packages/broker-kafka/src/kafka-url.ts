import { ConfigInvalidError } from '@ds/core'

/** One server, before the cluster has said who belongs to it. */
export interface Seed {
  readonly host: string
  readonly port: number
}

/** What a URL says. */
export interface KafkaUrl {
  readonly seeds: readonly Seed[]
  readonly username?: string
  readonly password?: string
  readonly tls: boolean
  readonly parameters: Readonly<Partial<Record<Parameter, string>>>
}

/** What may stand behind the question mark. */
export const PARAMETERS = [
  'namespace',
  'mechanism',
  'partitions',
  'replicationFactor',
  'minInSyncReplicas',
  'maxPayload',
  'requireDurable',
] as const
export type Parameter = (typeof PARAMETERS)[number]

const DEFAULT_PORT = 9092
const FIX = 'Give one such as kafka://user:password@host:9092,host2:9092?mechanism=scram-sha-256, or kafkas:// for TLS'
/** Scheme, user and password up to the last @, servers, and what is behind them. */
const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)\/?(?:\?([^#]*))?$/i

/**
 * Reads a URL that may name several servers, as `kafka://user:password@host:9092,host2:9092?partitions=16`. No part of it is shown
 * in a message: it may hold a password.
 *
 * @throws ConfigInvalidError
 */
export function parseKafkaUrl(url: string): KafkaUrl {
  const [, scheme = '', credentials, servers = '', query = ''] = SHAPE.exec(url) ?? []
  if (scheme === '') throw new ConfigInvalidError('The URL of the Kafka broker cannot be read', { fix: FIX })
  const isTls = scheme.toLowerCase() === 'kafkas'
  if (!isTls && scheme.toLowerCase() !== 'kafka') {
    throw new ConfigInvalidError(`The Kafka broker has no URLs that begin with ${scheme}:`, { fix: FIX })
  }
  return {
    seeds: parseSeeds(servers === '' ? '127.0.0.1' : servers.split(',')),
    ...(credentials !== undefined && parseCredentials(credentials)),
    tls: isTls,
    parameters: parseParameters(query),
  }
}

/**
 * Reads `host:port` for each server; the port may be missing, and an IPv6 address stands in brackets.
 *
 * @throws ConfigInvalidError
 */
export function parseSeeds(servers: string | readonly string[]): Seed[] {
  const list: readonly unknown[] = typeof servers === 'string' ? servers.split(',') : servers
  if (!Array.isArray(list) || list.length === 0) {
    throw new ConfigInvalidError('The Kafka broker has no server to go to', { fix: 'Give brokers: ["host:9092"]' })
  }
  return list.map(parseSeed)
}

function parseSeed(server: unknown): Seed {
  const [, bracketed, plain, port] =
    /^\s*(?:\[([0-9a-f:.%]+)\]|([^\s:@/[\]]+))(?::(\d{1,5}))?\s*$/i.exec(String(server)) ?? []
  const host = bracketed ?? plain
  const number = port === undefined ? DEFAULT_PORT : Number(port)
  if (typeof server === 'string' && host !== undefined && number >= 1 && number <= 65_535) return { host, port: number }
  throw new ConfigInvalidError('An address of the Kafka broker cannot be read', {
    fix: 'Give each as host:port, with a port from 1 to 65535, and an IPv6 address as [::1]:9092',
  })
}

function parseCredentials(credentials: string): { username: string; password: string } {
  const [username = '', ...rest] = credentials.split(':')
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(rest.join(':')) }
  } catch {
    throw new ConfigInvalidError('The user or password in the URL of the Kafka broker cannot be read', {
      fix: 'Write special characters as in a URL, % as %25 and @ as %40',
    })
  }
}

function parseParameters(query: string): Partial<Record<Parameter, string>> {
  const parameters: Partial<Record<Parameter, string>> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    const known = PARAMETERS.find((parameter) => parameter === name)
    if (known === undefined) {
      throw new ConfigInvalidError(`The Kafka broker has no parameter ${JSON.stringify(name)} in its URL`, {
        fix: `Known are: ${PARAMETERS.join(', ')}`,
      })
    }
    parameters[known] = value
  }
  return parameters
}

/** A URL for people, without user and password. */
export function showSeeds(seeds: readonly Seed[], tls: boolean): string {
  const servers = seeds.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  return `${tls ? 'kafkas' : 'kafka'}://${servers.join(',')}`
}
