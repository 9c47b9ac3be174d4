import type { Certificates } from './certificates.ts'

/** The servers that this package can start. */
export type ServerKind = 'redis' | 'nats' | 'kafka'

/**
 * What can be done to a server, or to all members of a cluster at once.
 *
 * Every method rejects with `ServerControlError` when the server is not this process's own (`controllable` is false),
 * except `waitUntilReady` and `close`.
 */
export interface ServerControl extends AsyncDisposable {
  /** Starts on the port and data it had before, and waits until it is ready. Nothing happens while it runs. */
  start(): Promise<void>
  /** SIGTERM, as an administrator would; resolves when the process has ended. Nothing happens when it does not run. */
  stop(): Promise<void>
  /** SIGKILL by pid; resolves when the process has ended. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. Resolves when it stands still. */
  pause(): Promise<void>
  /** SIGCONT. */
  resume(): Promise<void>
  /** `stop`, then `start`: same port, same data. */
  restart(): Promise<void>
  /**
   * Resolves when clients are served.
   *
   * @throws ServerStartError when that takes longer than `timeoutMs` or the process ends; it shows the server's last lines.
   */
  waitUntilReady(timeoutMs?: number): Promise<void>
  /** Ends the process at once and removes its data. May be called more than once. */
  close(): Promise<void>
}

/** A server for tests. */
export interface TestServer extends ServerControl {
  readonly kind: ServerKind
  /** With user and password where it asks for them: `redis://127.0.0.1:20123`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** What the program says of itself: `7.0.15`. `unknown` for a server that was given by URL. */
  readonly version: string
  /** The process now; `undefined` while it does not run, or when it is not this process's own. */
  readonly pid: number | undefined
  /** Where it keeps its data; removed by `close`. `undefined` when it is not this process's own. */
  readonly dataDir: string | undefined
  /** The text of its configuration file. Empty when it is not this process's own. */
  readonly configuration: string
  /** Whether it was started by this process, so that it can be stopped, killed and paused. */
  readonly controllable: boolean
  /** Whether the process is there; a paused one is. */
  readonly running: boolean
  /** What a client needs for TLS; only with the option `tls`. */
  readonly certificates: Certificates | undefined
  /** What the server has logged since its first start. */
  output(): string
}

/** Several servers that form one cluster. Its control methods act on all members at once. */
export interface TestCluster extends ServerControl {
  readonly kind: ServerKind
  /** One URL with every member in it: `nats://127.0.0.1:20001,127.0.0.1:20002`. */
  readonly url: string
  readonly version: string
  /** Each can be stopped, killed and paused by itself. */
  readonly members: readonly TestServer[]
}
