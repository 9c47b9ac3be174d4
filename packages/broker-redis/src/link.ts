import { BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { Cluster, Redis } from 'ioredis'
import type { ClusterOptions, RedisOptions } from 'ioredis'
import { isHopeless, toBrokerError } from './errors.ts'
import { isClient } from './options.ts'
import type { RedisClient, ResolvedOptions } from './options.ts'

/** How long the server may be silent while it owes an answer: then the connection is taken for dead. Milliseconds. */
export const SILENCE = 5000

/** Answers come in the shapes of RESP2, whatever the library's default is. */
type CommonOptions = RedisOptions & { readonly replyMapping: 'legacy' }

/**
 * What all our connections have in common. Nothing is queued while there is no connection and nothing is sent a second time by the
 * library: a call fails at once, and who made it knows that it may have been carried out.
 */
const COMMON: CommonOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // ioredis lets the rejection go unheard where the connection is cut again meanwhile, which ends a process: who subscribes does so anew.
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: SILENCE,
  keepAlive: 10_000,
  disconnectTimeout: 200,
  keyPrefix: '',
  // With either of these, ioredis 5 may take a connection for ready that was closed while it was being made, for ever.
  disableClientInfo: true,
  connectionName: undefined,
  protocol: 2,
  replyMapping: 'legacy',
  stringNumbers: false,
  retryStrategy: (times) => Math.min(1000, 50 * 2 ** Math.min(times - 1, 5)) * (0.9 + 0.2 * Math.random()),
}

/** A new client for the target of the options; not connected. */
function createClient({ target }: ResolvedOptions): RedisClient {
  if (isClient(target)) return duplicate(target)
  const { host, port, username, password, db, tls, cluster } = target
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
  }
  if (cluster) return new Cluster([{ host, port }], clusterOptions({ ...COMMON, ...credentials }))
  return new Redis({ ...COMMON, ...credentials, host, port, db, enableReadyCheck: false })
}

function duplicate(client: RedisClient): RedisClient {
  if (client.isCluster) {
    const { redisOptions } = (client as Cluster).options
    return (client as Cluster).duplicate([], clusterOptions({ ...redisOptions, ...COMMON }))
  }
  const single = client as Redis
  // With Sentinel the check makes sure that the server found is the master.
  return single.duplicate({ ...COMMON, enableReadyCheck: Boolean(single.options.sentinels) })
}

function clusterOptions(redisOptions: CommonOptions): ClusterOptions & { redisOptions: CommonOptions } {
  const { retryStrategy: _unused, enableOfflineQueue: _none, sentinels: _sentinels, ...options } = redisOptions
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    // A script that was cut off is not sent again by the library: it may have run.
    retryDelayOnFailover: 0,
    clusterRetryStrategy: (times) => Math.min(1000, 100 * times),
    keyPrefix: '',
    redisOptions: options,
  }
}

/** How long to wait for a connection. */
export interface OpenLimits {
  /** Milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/** A client of our own and its life: opened when needed, again after breaks, and closed without leaving anything. */
export class Link {
  readonly client: RedisClient
  readonly #address: string
  #closed = false
  #closing = new AbortController()

  constructor(options: ResolvedOptions) {
    this.#address = options.address
    this.client = createClient(options)
    // The library throws errors that nobody listens to.
    this.client.on('error', () => undefined)
    // A close that meets a connection between two states is not always heard by the library, which would go on trying for ever.
    for (const event of ['connecting', 'reconnecting']) {
      this.client.on(event, () => void (this.#closed && this.client.disconnect()))
    }
    // For people who look at the server's list of connections.
    this.client.on('ready', () => this.#tellName(options.namespace))
  }

  /** Waits until it is connected. @throws BrokerUnavailableError when the time is up or it is closed, and at once what cannot be mended. */
  open({ timeout, signal }: OpenLimits): Promise<void> {
    this.#closed = false
    if (this.client.status === 'ready') return Promise.resolve()
    const ending = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal
    return openClient(this.client, this.#address, { timeout, signal: ending })
  }

  /**
   * The answer to what was just sent. A server that owes it for longer than this is taken for dead, and the connection is made anew: of a link
   * that is half open nobody would hear otherwise.
   */
  answered<Answer>(answer: Promise<Answer>, patience: number = SILENCE): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`Socket timeout, nothing came for ${patience} ms`))
        if (this.client.status === 'ready') this.client.disconnect(true)
      }, patience)
      timer.unref()
      answer.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }

  #tellName(namespace: string): void {
    // Of a cluster this would reach any one of its nodes.
    if (!this.client.isCluster) this.client.call('client', 'setname', `ds:${namespace}`).catch(() => undefined)
  }

  /** Ends it and waits until its socket is gone. It may be opened again. */
  async close(): Promise<void> {
    this.#closed = true
    this.#closing.abort()
    this.#closing = new AbortController()
    if (this.client.status === 'end') return
    // Between two tries there is no socket to wait for, and no event comes.
    if (this.client.status === 'reconnecting') return this.client.disconnect()
    let timer: NodeJS.Timeout | undefined
    const ended = new Promise<void>((resolve) => {
      this.client.once('end', () => resolve())
      // A cluster without a single node says nothing when it ends.
      timer = setTimeout(resolve, 500)
    })
    this.client.disconnect()
    await ended
    clearTimeout(timer)
  }
}

const TRYING: ReadonlySet<string> = new Set(['connecting', 'connect', 'ready'])

async function openClient(
  client: RedisClient,
  address: string,
  { timeout, signal }: Required<OpenLimits>,
): Promise<void> {
  let last: DsError | undefined
  let timer: NodeJS.Timeout | undefined
  const listeners: [event: string, listener: (error: unknown) => void][] = []
  try {
    await new Promise<void>((resolve, reject) => {
      const onError = (error: unknown): void => {
        last = toBrokerError(error, address)
        if (isHopeless(last)) reject(last)
      }
      const giveUp = (): void => reject(last ?? noAnswer(address, timeout))
      const onConnect = (): void => void (last = undefined)
      listeners.push(['ready', () => resolve()], ['connect', onConnect], ['error', onError], ['node error', onError])
      for (const [event, listener] of listeners) client.on(event, listener)
      timer = setTimeout(giveUp, timeout)
      signal.addEventListener('abort', giveUp, { once: true })
      if (signal.aborted) giveUp()
      // While it tries by itself this only brings the next try forward. Its rejection says less than the event before it.
      if (!TRYING.has(client.status)) client.connect().catch((error: unknown) => last ?? onError(error))
    })
  } finally {
    clearTimeout(timer)
    for (const [event, listener] of listeners) client.off(event, listener)
  }
}

function noAnswer(address: string, timeout: number): BrokerUnavailableError {
  const fix = 'Check that it runs and that host and port are right'
  return new BrokerUnavailableError(`Redis at ${address} did not answer within ${timeout} ms`, { fix })
}

/** The answer, or a rejection as soon as the signal fires. */
export function unlessAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error('Connection is open, but nothing was answered in time'))
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) giveUp()
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}

export function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}
