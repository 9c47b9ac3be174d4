import type { Broker, BrokerCapabilities, BrokerOptions } from '@ds/core'
import type { TcpProxy } from './faults/tcp-proxy.ts'
import type { ServerControl } from './servers/server.ts'
import type { Tolerances } from './tolerances.ts'

/** What the kit is given of a broker: how to make one, and what else it needs to test all of the contract. */
export interface BrokerUnderTest {
  /** The adapter's short name, as in `redis`. */
  readonly name: string
  /** Version of the server, for the report. */
  readonly server?: string
  /**
   * A new broker that is not connected: the adapter's own, not wrapped by anything. Called several times a case. With `url`
   * it must go to that server instead of the usual one.
   * @throws ConfigInvalidError at once for options that cannot work
   */
  readonly create: (options: CreateOptions) => Broker
  /** What the broker must declare. Fields that are absent are not compared. */
  readonly capabilities?: Partial<BrokerCapabilities>
  /** How late things may be. What is absent follows from the capabilities. */
  readonly tolerances?: Partial<Tolerances>
  /** Cases that are not run, by their full name (`group: name`), each with the reason that the report prints. */
  readonly skip?: Readonly<Record<string, string>>
  /** How a child process makes the same broker. Without it, cases with workers that are killed are skipped. */
  readonly child?: ChildReference
  /** Starts a server for one case alone, which may stop, kill and cut it. Without it, cases with faults are skipped. */
  readonly startServer?: (options: { proxied: boolean }) => Promise<FaultyServer>
  /** Brokers that name the server in each way the adapter takes: by URL, by options, by a client made before. */
  readonly addresses?: Readonly<Record<string, (options: BrokerOptions) => Broker>>
  /** Calls with options that cannot work: each must throw `ConfigInvalidError` at once. */
  readonly invalid?: Readonly<Record<string, () => Broker>>
  /** A broker whose server is not there. */
  readonly unreachable?: () => Broker
  /** Brokers that the server refuses for good: a wrong password, another kind of server. */
  readonly refused?: Readonly<Record<string, () => Broker>>
  /** Puts into the server what the adapter did not write. Without it, cases about garbage are skipped. */
  readonly garbage?: GarbageTools
  /** How many keys, messages or records the server holds of a namespace, for the case that storage does not grow. */
  readonly footprint?: (namespace: string) => Promise<number>
  /** What the server holds in all: of the usual one, or of one that was started for a case. For soak cases. */
  readonly usage?: (options: { url?: string }) => Promise<ServerUsage>
  /** Ends what the target itself has started. */
  readonly close?: () => Promise<void>
}

/** What the kit asks of a broker it has made: the options every broker takes, and now and then a server of its own. */
export interface ServerUsage {
  /** Keys, messages or records. */
  readonly records: number
  /** Bytes of data, without what the server needs for itself. */
  readonly bytes: number
}

/** What a case asks of the broker it is given. */
export interface CreateOptions extends BrokerOptions {
  /** A server other than the usual one, such as one behind a proxy. */
  readonly url?: string
}

/** An exported `BrokerAdapter` in a module that a child process can import. */
export interface ChildReference {
  /** URL or package name, as `import()` takes it. */
  readonly module: string
  /** Default `adapter`. */
  readonly export?: string
  /** Options of the adapter besides the kit's own. They travel as JSON. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** A server that belongs to one case, on an address that it keeps. */
export interface FaultyServer {
  /** Where clients go: through the proxy, if there is one. */
  readonly url: string
  /** Present when asked for. */
  readonly proxy?: TcpProxy
  /** The servers it consists of, where it is a cluster. */
  readonly members?: readonly Pick<ServerControl, 'kill' | 'start'>[]
  /** An orderly end; what was accepted is kept. */
  stop(): Promise<unknown>
  /** Starts it again on the same address and data; resolves when it takes connections. */
  start(): Promise<unknown>
  /** SIGKILL. */
  kill(): Promise<unknown>
  /** SIGSTOP: its connections stay, and nothing is answered. */
  pause(): Promise<unknown>
  /** SIGCONT, after {@link FaultyServer.pause}. */
  resume(): unknown
  /** Ends it and removes its data. */
  close(): Promise<unknown>
}

/** Each puts something where the broker of this namespace will read it. */
export interface GarbageTools {
  /** Into a queue: bytes that are no task. */
  readonly undecodable: (place: GarbagePlace, bytes: Uint8Array) => Promise<void>
  /** Makes the stored record of a queued task one of an envelope version from the future. */
  readonly fromTheFuture?: (place: GarbagePlace, taskId: string) => Promise<void>
  /** Adds a field that nobody knows to the stored record of a queued task. */
  readonly unknownField?: (place: GarbagePlace, taskId: string) => Promise<void>
  /** Replaces the stored record of a queued task by bytes that cannot be decoded. */
  readonly corruptRecord?: (place: GarbagePlace, taskId: string) => Promise<void>
}

/** Where garbage goes: a queue, in a namespace that belongs to one case. */
export interface GarbagePlace {
  readonly namespace: string
  readonly queue: string
  /** Connected, and as `create` made it. */
  readonly broker: Broker
}
