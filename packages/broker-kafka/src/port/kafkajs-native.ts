import type { Kafka } from 'kafkajs'
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { BrokerMisconfiguredError } from '@ds/core'

/**
 * The lower half of kafkajs 2.2.4, as far as it is used here: addresses, sockets, TLS, log in, framing and the requests that are rare.
 * What stands above it (producer, consumer, admin) keeps answers over retries, stops at errors, and reads from the committed offset
 * again after each rebalance; none of that is used. The package is pinned to this one version, and the tests of this folder would
 * tell if another one came in.
 */
export interface NativeCluster {
  readonly brokerPool: {
    createBroker(options: { connectionPool: NativePool; logger: unknown; nodeId?: number }): NativeBroker
    readonly connectionPoolBuilder: {
      /** Without a destination it takes the next of the addresses the client was made with. */
      build(destination?: { host: string; port: number }): Promise<NativePool>
    }
    readonly rootLogger: unknown
  }
}

/** Two connections to one server: the second one for fetches, which wait. */
export interface NativePool {
  readonly host: string
  readonly port: number
  readonly pool: readonly NativeConnection[]
  getConnection(index?: number): Promise<NativeConnection>
}

/** One connection. */
export interface NativeConnection {
  readonly requestQueue: NativeQueue
  readonly socket?: Socket
  readonly authHandlers: { onError(): void } | null
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  isConnected(): boolean
  rejectRequests(error: Error): void
  send(exchange: NativeExchange): Promise<Buffer>
}

/** A request whose bytes are made here, and whose answer is read here. */
export interface NativeExchange {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly encode: () => Promise<{ buf: Buffer; buffer: Buffer }>
  }
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<{ payload: Buffer; clientSideThrottleTime: number }>
    readonly parse: (decoded: { payload: Buffer }) => Promise<Buffer>
  }
  readonly requestTimeout: number
  readonly logResponseError: boolean
}

/** Requests of a connection that wait for an answer or to be sent. */
export interface NativeQueue {
  readonly pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
  destroy(): void
}

/** One server. */
export interface NativeBroker {
  readonly connectionPool: NativePool
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null
  connect(): Promise<void>
  isConnected(): boolean
  findGroupCoordinator(request: { groupId: string; coordinatorType: 0 }): Promise<{ coordinator: NativeCoordinator }>
  joinGroup(request: NativeJoin): Promise<NativeJoined>
  syncGroup(request: NativeSync): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  offsetCommit(request: NativeCommit): Promise<unknown>
  offsetFetch(request: {
    groupId: string
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[]
  }): Promise<{ responses: readonly NativeOffsets[] }>
  listOffsets(request: {
    replicaId: -1
    isolationLevel: 0
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[]
  }): Promise<{ responses: readonly NativeOffsets[] }>
  createTopics(request: { topics: readonly NativeTopic[]; timeout: number }): Promise<unknown>
  describeConfigs(request: {
    resources: readonly { type: 2; name: string; configNames: readonly string[] }[]
    includeSynonyms: false
  }): Promise<{ resources: readonly NativeConfigs[] }>
  deleteRecords(request: {
    topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]
  }): Promise<unknown>
}

/** The server that keeps a group. */
export interface NativeCoordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** Asks to become a member. */
export interface NativeJoin {
  readonly groupId: string
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  readonly memberId: string
  readonly groupProtocols: readonly { name: string; metadata: Buffer }[]
}

/** The answer, with all members for the one that is to deal. */
export interface NativeJoined {
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { memberId: string; memberMetadata: Buffer }[]
}

/** Asks for one's share, and brings everybody's from the one that dealt. */
export interface NativeSync {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
}

/** Offsets to keep for a group. */
export interface NativeCommit {
  readonly groupId: string
  readonly groupGenerationId: number
  readonly memberId: string
  readonly topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]
}

/** Offsets of a topic. */
export interface NativeOffsets {
  readonly topic: string
  readonly partitions: readonly { partition: number; offset: string }[]
}

/** A topic to create. */
export interface NativeTopic {
  readonly topic: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configEntries: readonly { name: string; value: string }[]
}

/** Settings of a topic. */
export interface NativeConfigs {
  readonly resourceName: string
  readonly errorCode: number
  readonly configEntries: readonly { configName: string; configValue: string }[]
}

/**
 * The lower half of a client. kafkajs hands it to whoever deals partitions; the consumer that it is taken from never connects.
 *
 * @throws BrokerMisconfiguredError when the client is of another version and built otherwise.
 */
export function nativeCluster(kafka: Kafka): NativeCluster {
  let found: unknown
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return { name: 'unused', version: 0, assign: async () => [], protocol: () => ({ name: '', metadata: NOTHING }) }
      },
    ],
  })
  if (isNativeCluster(found)) return found
  throw new BrokerMisconfiguredError('The Kafka client is not built like kafkajs 2.2.4', {
    fix: 'Pass a client of kafkajs 2.2.4, or the addresses of the servers instead of a client',
  })
}

const NOTHING = Buffer.alloc(0)

function isNativeCluster(value: unknown): value is NativeCluster {
  if (typeof value !== 'object' || value === null || !('brokerPool' in value)) return false
  const { brokerPool } = value
  if (typeof brokerPool !== 'object' || brokerPool === null) return false
  return 'createBroker' in brokerPool && 'connectionPoolBuilder' in brokerPool && 'rootLogger' in brokerPool
}

/**
 * Mends a connection before its first use, and leaves other clients of the process alone: a timer of a negative time that ran every
 * millisecond and printed a warning; bytes of a cut answer that were read as the beginning of the next one; two callers that connect
 * at once and leave a socket behind; the last bytes of a request that the system held back.
 */
export function mendConnection(connection: NativeConnection): void {
  const { requestQueue } = connection
  requestQueue.scheduleCheckPendingRequests = () => scheduleCheck(requestQueue)
  const connect = connection.connect.bind(connection)
  let connecting: Promise<unknown> | undefined
  connection.connect = () => {
    if (connection.isConnected()) return Promise.resolve(true)
    if (connecting) return connecting
    forgetPartialAnswer(connection)
    connecting = connect()
      .then(() => connection.socket?.setNoDelay(true))
      .finally(() => (connecting = undefined))
    return connecting
  }
}

function scheduleCheck(queue: NativeQueue): void {
  if (queue.throttleCheckTimeoutId || queue.pending.length === 0) return
  const wait = Math.max(10, queue.throttledUntil - Date.now())
  queue.throttleCheckTimeoutId = setTimeout(() => {
    queue.throttleCheckTimeoutId = null
    queue.checkPendingRequests()
  }, wait)
}

function forgetPartialAnswer(connection: NativeConnection): void {
  connection.chunks = []
  connection.bytesBuffered = 0
  connection.bytesNeeded = 4
}

/** Ends a connection at once, whatever waits on it. */
export function cutConnection(connection: NativeConnection, reason: Error): void {
  connection.rejectRequests(reason)
  connection.authHandlers?.onError()
  connection.requestQueue.destroy()
  connection.socket?.destroy(reason)
  void connection.disconnect()
}
