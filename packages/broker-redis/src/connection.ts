import { BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { Cluster, Redis } from 'ioredis'
import type { ClusterOptions, RedisOptions } from 'ioredis'
import { isHopeless, isUnknownScript, toBrokerError } from './errors.ts'
import type { Script } from './lua/index.ts'
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
  maxRetriesPerRequest: 0,
  socketTimeout: SILENCE,
  connectTimeout: SILENCE,
  keepAlive: 10_000,
  disconnectTimeout: 200,
  keyPrefix: '',
  protocol: 2,
  replyMapping: 'legacy',
  stringNumbers: false,
  retryStrategy: (times) => Math.min(1000, 50 * 2 ** Math.min(times - 1, 5)) * (0.9 + 0.2 * Math.random()),
}

/** A new client for the target of the options; not connected. */
export function createClient({ target, namespace }: ResolvedOptions): RedisClient {
  const common: CommonOptions = { ...COMMON, connectionName: `ds:${namespace}` }
  if (isClient(target)) return duplicate(target, common)
  const { host, port, username, password, db, tls, cluster } = target
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
  }
  if (cluster) return new Cluster([{ host, port }], clusterOptions({ ...common, ...credentials }))
  return new Redis({ ...common, ...credentials, host, port, db, enableReadyCheck: false })
}

function duplicate(client: RedisClient, common: CommonOptions): RedisClient {
  if (client.isCluster) {
    const { redisOptions } = (client as Cluster).options
    return (client as Cluster).duplicate([], clusterOptions({ ...redisOptions, ...common }))
  }
  const single = client as Redis
  // With Sentinel the check makes sure that the server found is the master.
  return single.duplicate({ ...common, enableReadyCheck: Boolean(single.options.sentinels) })
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

/** Something to send in this tick. */
interface Call {
  readonly name: string
  readonly args: readonly (string | number)[]
  readonly script?: Script
  readonly durable: boolean
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: DsError) => void
}

/**
 * A connection for commands that answer at once. All that is called in one tick travels in one write: so do a `settle` and the `receive`
 * after it.
 */
export class Connection {
  readonly client: RedisClient
  readonly #options: ResolvedOptions
  readonly #prefix: string
  #calls: Call[] = []
  #underWay = 0
  #lastAnswerAt: number | undefined
  #cuts = 0

  constructor(options: ResolvedOptions, prefix: string) {
    this.#options = options
    this.#prefix = prefix
    this.client = createClient(options)
    this.client.on('error', () => undefined)
    this.client.on('close', () => (this.#cuts += 1))
  }

  /** When the server answered last, by this process's clock. */
  get lastAnswerAt(): number | undefined {
    return this.#lastAnswerAt
  }

  /** How often the connection was lost. */
  get cuts(): number {
    return this.#cuts
  }

  open(limits: { timeout: number; signal?: AbortSignal }): Promise<void> {
    return openClient(this.client, this.#options.address, limits)
  }

  /** Runs a script. `durable` waits for replicas as well, where the options say so. */
  run(
    script: Script,
    args: readonly (string | number)[],
    { durable = false }: { durable?: boolean } = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#add({ name: 'evalsha', args: [script.sha, 1, this.#prefix, ...args], script, durable, resolve, reject })
    })
  }

  call(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#add({ name, args, durable: false, resolve, reject })
    })
  }

  /** Waits for what is under way, and leaves no socket. */
  async close(): Promise<void> {
    const end = Date.now() + SILENCE
    while ((this.#underWay > 0 || this.#calls.length > 0) && Date.now() < end) await pause(5)
    await closeClient(this.client)
  }

  #add(call: Call): void {
    this.#calls.push(call)
    // Behind the promise jobs of this tick, so that all they add travels together.
    if (this.#calls.length === 1) process.nextTick(() => void this.#send())
  }

  async #send(): Promise<void> {
    const calls = this.#calls
    this.#calls = []
    this.#underWay += calls.length
    try {
      await this.#exchange(calls)
    } catch (error) {
      for (const call of calls) call.reject(toBrokerError(error, this.#options.address))
    } finally {
      this.#underWay -= calls.length
    }
  }

  async #exchange(calls: readonly Call[]): Promise<void> {
    const pipeline = this.client.pipeline()
    for (const { name, args } of calls) pipeline.call(name, ...args)
    const { wait } = this.#options
    const waits = wait !== undefined && calls.some(({ durable }) => durable)
    if (waits) pipeline.call('wait', wait.replicas, wait.timeout)
    const answers = (await pipeline.exec()) ?? []
    const confirmed = waits ? Number(answers.at(-1)?.[1] ?? 0) : Infinity
    for (const [index, call] of calls.entries()) this.#answer(call, answers[index], confirmed)
  }

  #answer(call: Call, answer: [Error | null, unknown] | undefined, confirmed: number): void {
    const [error, value] = answer ?? [new Error('Connection is closed')]
    if (error && call.script && isUnknownScript(error)) return void this.#teach(call, call.script)
    if (error) return call.reject(toBrokerError(error, this.#options.address))
    this.#lastAnswerAt = Date.now()
    const { wait, address } = this.#options
    if (!call.durable || !wait || confirmed >= wait.replicas) return call.resolve(value)
    call.reject(
      new BrokerUnavailableError(
        `Only ${confirmed} of ${wait.replicas} replicas of Redis at ${address} confirmed within ${wait.timeout} ms`,
        { fix: 'Look after the replicas, or ask for fewer in the option wait' },
      ),
    )
  }

  /** Sends the text of a script that the server does not know; it remembers it from then on. */
  async #teach(call: Call, script: Script): Promise<void> {
    const [, ...rest] = call.args
    this.#underWay += 1
    try {
      const pipeline = this.client.pipeline().call('eval', script.source, ...rest)
      const { wait } = this.#options
      if (wait && call.durable) pipeline.call('wait', wait.replicas, wait.timeout)
      const answers = (await pipeline.exec()) ?? []
      this.#answer({ ...call, args: [] }, answers[0], wait && call.durable ? Number(answers[1]?.[1] ?? 0) : Infinity)
    } catch (error) {
      call.reject(toBrokerError(error, this.#options.address))
    } finally {
      this.#underWay -= 1
    }
  }
}

/** Waits until a client is connected. @throws BrokerUnavailableError when the time is up, and what cannot be mended at once. */
export async function openClient(
  client: RedisClient,
  address: string,
  { timeout, signal }: { timeout: number; signal?: AbortSignal },
): Promise<void> {
  if (client.status === 'ready') return
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
      listeners.push(['ready', () => resolve()], ['error', onError], ['node error', onError])
      for (const [event, listener] of listeners) client.on(event, listener)
      timer = setTimeout(giveUp, timeout)
      signal?.addEventListener('abort', giveUp, { once: true })
      if (signal?.aborted) giveUp()
      client.connect().catch(onError)
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

/** Ends a client and waits until its socket is gone. */
export async function closeClient(client: RedisClient): Promise<void> {
  if (client.status === 'end') return
  // Between two tries there is no socket to wait for, and no event comes.
  if (client.status === 'reconnecting') return client.disconnect()
  let timer: NodeJS.Timeout | undefined
  const ended = new Promise<void>((resolve) => {
    client.once('end', () => resolve())
    timer = setTimeout(resolve, 1000)
  })
  client.disconnect()
  await ended
  clearTimeout(timer)
}

export function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}
