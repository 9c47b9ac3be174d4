import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Conditions, CutPoint, PendingCut, ProxyStatistics } from './conditions.ts'
import { freePort, isPortTaken, listenOn, loopback } from './ports.ts'
import { ProxyConnection } from './proxy-connection.ts'
import type { ProxyTarget } from './proxy-connection.ts'
import { waitUntil } from './waiting.ts'

/**
 * A TCP proxy on loopback that stands between a client and its server and breaks the link on demand.
 *
 * It keeps its port from `start` to `close`, also while it refuses connections.
 */
export class TcpProxy implements AsyncDisposable {
  readonly host: string = loopback
  readonly port: number
  readonly #conditions: Conditions = { state: 'open', latencyMs: 0, bytesPerSecond: undefined, cuts: [] }
  readonly #statistics: ProxyStatistics = { accepted: 0, open: 0, reset: 0, toServer: 0, toClient: 0, lost: 0 }
  readonly #connections = new Set<ProxyConnection>()
  #target: ProxyTarget | undefined
  #server: Server | undefined
  #listening: Promise<void> = Promise.resolve()

  /** Prefer `TcpProxy.start`: a proxy made here does not listen yet. */
  constructor(port: number, target?: ProxyTarget) {
    this.port = port
    this.#target = target
  }

  /**
   * Starts a proxy on a free port. Without a target, connections are reset until `forwardTo` names one: a server that has
   * to announce the proxy's address needs the proxy first.
   */
  static async start(target?: ProxyTarget): Promise<TcpProxy> {
    for (;;) {
      const proxy = new TcpProxy(await freePort(), target)
      try {
        await proxy.#listen()
        return proxy
      } catch (error) {
        if (!isPortTaken(error)) throw error
      }
    }
  }

  /** The target's URL with the proxy's address in it; `tcp://host:port` when the target has none. */
  get url(): string {
    const url = new URL(this.#target?.url ?? `tcp://${this.host}:0`)
    url.hostname = this.host
    url.port = String(this.port)
    return url.href.replace(/\/$/, '')
  }

  /** From now on new connections go there; those that are open stay where they are. */
  forwardTo(target: ProxyTarget): void {
    this.#target = target
  }

  /**
   * Resets all connections. New ones are accepted, or with `refuse` refused (ECONNREFUSED) until `heal`.
   * Resolves when the port no longer accepts connections, if it should not.
   */
  async cut({ refuse = false }: { refuse?: boolean } = {}): Promise<void> {
    for (const connection of this.#connections) connection.reset()
    if (refuse) await this.#stopListening()
  }

  /**
   * Cuts all connections as soon as so many bytes or chunks have passed in one direction from now on.
   * Resolves with true when it happened, with false when `heal` or `close` came first.
   */
  cutAfter(point: CutPoint): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const begin = (): void => {
      for (const connection of this.#connections) connection.seal()
    }
    const done = (happened: boolean): void => {
      if (happened) for (const connection of this.#connections) connection.reset()
      resolve(happened)
    }
    this.#conditions.cuts.push({ ...point, begin, done })
    return promise
  }

  /**
   * A half-open link: every byte, close and reset is swallowed, and connections stay open on both sides. New connections
   * are accepted and hear nothing. After `heal` those that lost something are reset, the others go on.
   */
  blackHole(): void {
    this.#change({ state: 'blackHole' })
  }

  /** Nothing passes until `heal`; then everything does, late: what a network that came back delivers. */
  freeze(): void {
    this.#change({ state: 'frozen' })
  }

  /** Every byte takes that long in each direction; an exchange takes twice as long. 0 is no delay. */
  latency(milliseconds: number): void {
    this.#change({ latencyMs: milliseconds })
  }

  /** So many bytes pass a second, in each direction of each connection. `undefined` is no limit. */
  bandwidth(bytesPerSecond: number | undefined): void {
    this.#change({ bytesPerSecond })
  }

  /** Back to a plain link: accepts connections, and drops latency, limits and cuts that have not happened. */
  async heal(): Promise<void> {
    this.#dropCuts()
    this.#change({ state: 'open', latencyMs: 0, bytesPerSecond: undefined })
    await this.#listening
    if (this.#server === undefined) await this.#listenAgain()
  }

  /** What has happened since the start; a copy. */
  statistics(): ProxyStatistics {
    return { ...this.#statistics, open: this.#connections.size }
  }

  /** Resets all connections and frees the port. */
  async close(): Promise<void> {
    this.#dropCuts()
    await this.cut({ refuse: true })
  }

  /** {@link TcpProxy.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #change(change: Partial<Conditions>): void {
    Object.assign(this.#conditions, change)
    for (const connection of this.#connections) connection.update()
  }

  #dropCuts(): void {
    const dropped: PendingCut[] = this.#conditions.cuts
    this.#conditions.cuts = []
    for (const cut of dropped) cut.done(false)
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
    await listenOn(server, this.port)
    this.#server = server
  }

  /** The port was this proxy's and lies outside the range that systems hand out, but somebody may be trying it. */
  async #listenAgain(): Promise<void> {
    await waitUntil(() => this.#listen().then(() => true), {
      what: `port ${this.port} of a healed proxy to be free again`,
      timeoutMs: 10_000,
    })
  }

  async #stopListening(): Promise<void> {
    const server = this.#server
    if (server === undefined) return this.#listening
    this.#server = undefined
    this.#listening = new Promise((resolve) => server.close(() => resolve()))
    await this.#listening
  }

  #accept(client: Socket): void {
    this.#statistics.accepted += 1
    // A connection from the backlog may come after the port was closed.
    if (this.#target === undefined || this.#server === undefined) {
      this.#statistics.reset += 1
      client.on('error', () => undefined)
      client.resetAndDestroy()
      return
    }
    const closed = (): void => void this.#connections.delete(connection)
    const owner = { conditions: this.#conditions, statistics: this.#statistics }
    const connection: ProxyConnection = new ProxyConnection(owner, client, { target: this.#target, closed })
    this.#connections.add(connection)
  }
}
