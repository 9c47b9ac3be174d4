import { ConfigInvalidError, redactUrl, resolveBrokerOptions } from '@ds/core'
import type { BrokerKind, BrokerOptions, ResolvedBrokerOptions } from '@ds/core'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'

/** Options of the NATS broker. */
export interface NatsBrokerOptions extends BrokerOptions {
  /**
   * `nats://host:4222`, with user and password or a token where the server asks for them; several with commas between them.
   * `tls://` asks for TLS. `?replicas=3`, `?domain=hub` and `?timeout=4000` set these options. Default `nats://127.0.0.1:4222`.
   */
  readonly url?: string
  /** The client's own options: credentials, nkeys, JWT, TLS. */
  readonly connection?: Omit<NodeConnectionOptions, 'servers'>
  /** A connected client to use instead. It is not closed with the broker. */
  readonly client?: NatsConnection
  /** Copies of each stream in a JetStream cluster, 1 to 5. Default 1. Streams that exist keep theirs. */
  readonly replicas?: number
  /** JetStream domain of the server, as leaf nodes have it. */
  readonly domain?: string
  /** Milliseconds after which a call says that the server does not answer. Default 4000. */
  readonly timeout?: number
  /** Address of the server's monitoring, as in `http://127.0.0.1:8222`: where `health()` reads how often it writes through to the disk. */
  readonly monitor?: string
}

/** Options that have been checked and completed. */
export interface Settings extends ResolvedBrokerOptions {
  readonly servers: readonly string[]
  readonly address: string
  readonly connection: NodeConnectionOptions
  readonly client: NatsConnection | undefined
  readonly replicas: number
  readonly domain: string | undefined
  readonly timeout: number
  readonly monitor: string | undefined
}

export const DEFAULT_URL = 'nats://127.0.0.1:4222'
const KIND: BrokerKind<NatsBrokerOptions> = {
  broker: 'NATS',
  retentionByCount: false,
  own: { url: true, connection: true, client: true, replicas: true, domain: true, timeout: true, monitor: true },
}

/**
 * Checks options and completes them.
 * @throws ConfigInvalidError naming the option; NotSupportedError for `retention.count`
 */
export function checkOptions(options: NatsBrokerOptions): Settings {
  const shared = resolveBrokerOptions(options, KIND)
  const url = parseUrl(options.url ?? DEFAULT_URL)
  const domain = options.domain ?? url.domain
  checkTypes({ ...options, ...(domain !== undefined && { domain }) })
  const replicas = options.replicas ?? url.replicas ?? 1
  if (!isWhole(replicas, 1, 5)) throw invalid('replicas', replicas, 'Give a whole number from 1 to 5')
  const timeout = options.timeout ?? url.timeout ?? 4000
  if (!isWhole(timeout, 100, 60_000)) throw invalid('timeout', timeout, 'Give milliseconds from 100 to 60000')
  return {
    ...shared,
    servers: url.servers,
    address: redactUrl(options.client ? `nats://${options.client.getServer()}` : (options.url ?? DEFAULT_URL)),
    connection: { ...url.credentials, ...options.connection, ...inboxPrefixOf(options.client) },
    client: options.client,
    replicas,
    domain,
    timeout,
    monitor: options.monitor,
  }
}

function checkTypes({ client, connection, domain, monitor }: NatsBrokerOptions): void {
  if (client !== undefined && typeof (client as Partial<NatsConnection> | null)?.getServer !== 'function')
    throw invalid('client', undefined, 'Give what connect of @nats-io/transport-node resolves to')
  if (connection !== undefined && (typeof connection !== 'object' || connection === null))
    throw invalid('connection', undefined, 'Give an object with options of @nats-io/transport-node')
  if (domain !== undefined && !/^[^\s.*>]+$/.test(domain)) throw invalid('domain', domain, 'Give the name of a domain')
  if (monitor !== undefined && !/^https?:\/\/\S+$/.test(monitor))
    throw invalid('monitor', undefined, 'Give an address such as http://127.0.0.1:8222')
}

/** Subjects of answers, as the client that is given was made with them. */
function inboxPrefixOf(client: NatsConnection | undefined): NodeConnectionOptions {
  const { options } = (client ?? {}) as { options?: NodeConnectionOptions }
  return options?.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }
}

interface ParsedUrl {
  readonly servers: readonly string[]
  readonly credentials: NodeConnectionOptions
  readonly replicas?: number
  readonly domain?: string
  readonly timeout?: number
}

/** One URL whose host part may hold several members, or several URLs. */
function parseUrl(text: string): ParsedUrl {
  // Behind a question mark in a password the rest of it would be taken for an option, and shown.
  if (text.includes('?') && text.lastIndexOf('@') > text.indexOf('?')) throw invalidUrl(text, ESCAPE)
  const [urls = '', query = ''] = text.split('?')
  const servers: string[] = []
  let credentials: NodeConnectionOptions = {}
  for (const part of urls.split(',')) {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(part)?.[1]?.toLowerCase()
    if (scheme !== undefined && scheme !== 'nats' && scheme !== 'tls') throw invalidUrl(text, 'Use nats:// or tls://')
    if (/^(?:nats|tls):(?!\/\/)/i.test(part)) throw invalidUrl(text, 'Use nats:// or tls://')
    const authority = part.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/\/+$/, '')
    const at = authority.lastIndexOf('@')
    const host = authority.slice(at + 1)
    if (!/^(?:\[[0-9a-fA-F:]+\]|[^\s:/@]+)(?::\d{1,5})?$/.test(host)) throw invalidUrl(text, 'Use nats://host:4222')
    if (Number(/:(\d+)$/.exec(host)?.[1] ?? 1) > 65_535) throw invalidUrl(text, 'Ports end at 65535')
    servers.push(host)
    if (at >= 0) credentials = { ...credentials, ...credentialsOf(authority.slice(0, at), text) }
    if (scheme === 'tls') credentials = { ...credentials, tls: {} }
  }
  return { servers, credentials, ...parseQuery(query, text) }
}

const ESCAPE = 'Write special characters of user and password as %XX'

function credentialsOf(userInfo: string, url: string): NodeConnectionOptions {
  const colon = userInfo.indexOf(':')
  if (colon < 0) return { token: decode(userInfo, url) }
  return { user: decode(userInfo.slice(0, colon), url), pass: decode(userInfo.slice(colon + 1), url) }
}

function decode(part: string, url: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalidUrl(url, ESCAPE)
  }
}

function parseQuery(query: string, url: string): Pick<ParsedUrl, 'replicas' | 'domain' | 'timeout'> {
  const found: { replicas?: number; domain?: string; timeout?: number } = {}
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === 'replicas' || key === 'timeout') found[key] = Number(value)
    else if (key === 'domain') found.domain = value
    else throw invalidUrl(url, `${key} is not known; known are: replicas, domain, timeout`)
  }
  return found
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function invalid(option: string, value: unknown, fix: string): ConfigInvalidError {
  const shown = value === undefined ? '' : ` ${typeof value === 'number' ? value : JSON.stringify(value)}`
  return new ConfigInvalidError(`The option ${option}${shown} of the NATS broker is not valid`, { fix })
}

function invalidUrl(url: string, fix: string): ConfigInvalidError {
  return new ConfigInvalidError(`The NATS URL ${redactUrl(url)} is not valid`, { fix })
}
