import type { Buffer } from 'node:buffer'

/**
 * A log of records in partitioned topics, as far as the broker needs one. It knows nothing of tasks, and no type of a client library
 * shows: another client has to implement these interfaces and nothing else.
 *
 * Offsets are numbers: a partition would need 9 * 10^15 records to leave them. Times are milliseconds since 1970 by the server's clock.
 * Every error is a `DsError`. Handlers are called in the event loop's turn in which the data came; they must not throw and are not
 * awaited: reading goes on, and {@link GroupMember.pause} and {@link Tail.pause} hold it back.
 */
export interface LogPort {
  /**
   * Finds the servers and proves that they answer.
   *
   * @throws BrokerUnavailableError when none answers within the patience; BrokerRefusedError for a wrong user, password or protocol.
   */
  connect(): Promise<void>
  /** Ends every loop, member and tail, within a bounded time also while the servers are away. What was not sent yet rejects. */
  close(): Promise<void>

  /**
   * Creates what is missing and waits until each partition has a leader. A topic that exists keeps its settings.
   *
   * @throws BrokerMisconfiguredError when a topic exists with another number of partitions, or wants more replicas than there are
   *   servers; BrokerRefusedError without the permission; BrokerUnavailableError when it takes longer than the patience.
   */
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>
  /** Names of all topics that begin with `prefix`, sorted. */
  topics(prefix: string): Promise<readonly string[]>
  /** What topics are like, in the order asked for; undefined for one that does not exist. */
  describeTopics(topics: readonly string[]): Promise<readonly (TopicDescription | undefined)[]>

  /**
   * Writes records and resolves when all in-sync replicas have each of them, with an answer per record in the order given. One request a
   * server is in flight at a time; what is written meanwhile goes together in the next one. Records of one call and one partition keep
   * their order unless some of them have to be sent again.
   *
   * A record without an answer is sent again, under the key that its maker gives for that send: it may then stand in the log twice.
   *
   * @throws BrokerUnavailableError when a record has no answer within the patience: it may or may not be in the log;
   *   PayloadTooLargeError when a record is over the topic's `max.message.bytes`; BrokerMisconfiguredError for an unknown topic or partition.
   */
  append(records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Appended[]>

  /** Joins a group, whose members share the partitions of its topics. Resolves once the first partitions are assigned, be it none. */
  joinGroup(options: GroupOptions): Promise<GroupMember>
  /** Starts to read a topic by oneself. It reads nothing before {@link Tail.setPartitions}. */
  tail(options: TailOptions): Promise<Tail>

  /**
   * Reads single records once more, in the order asked for; undefined for what compaction or retention took. Their bytes may share
   * memory with those of others.
   */
  readAgain(places: readonly LogPosition[]): Promise<readonly (LogEntry | undefined)[]>

  /** For each partition the offset that the next record will get. */
  endOffsets(topic: string, partitions?: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** For each partition the offset of the first record that is still there. */
  startOffsets(topic: string, partitions?: readonly number[]): Promise<ReadonlyMap<number, number>>
  /** Removes all records below the given offset of each partition. */
  deleteRecords(topic: string, before: ReadonlyMap<number, number>): Promise<void>

  /** The loops that run now and when each last heard from a server; an empty answer is one. */
  loops(): readonly LoopState[]
}

/** What a topic is created with. */
export interface TopicSettings {
  readonly topic: string
  readonly partitions: number
  /** Default: the port's own setting; without one, the server's. */
  readonly replicationFactor?: number
  /** As in `{ 'cleanup.policy': 'compact' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What a topic is like. */
export interface TopicDescription {
  readonly topic: string
  readonly partitions: number
  /** Of its first partition. */
  readonly replicationFactor: number
  /** Settings in force, those of the server included, as in `min.insync.replicas`. Empty when they may not be read. */
  readonly settings: ReadonlyMap<string, string>
}

/** A record to write. */
export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | KeyMaker
  /** Null is a tombstone: compaction removes what has the same key. */
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer>>
}

/**
 * The key of a record for one send. Called at each send with 0, 1, 2 ...; a key that must stand in the log once has to differ for each
 * of them, also from those of other records.
 */
export type KeyMaker = (send: number) => Buffer

/** How long to try. */
export interface AppendOptions {
  /** Milliseconds until what has no answer rejects. Default: the port's. */
  readonly patience?: number
}

/** Where a record stands in the log. */
export interface Appended {
  readonly offset: number
  /** When the server appended it; undefined where the topic's timestamps are the writer's. */
  readonly appendedAt: number | undefined
  /** Which send was answered: the number its {@link KeyMaker} was called with. Earlier sends may stand in the log too. */
  readonly send: number
  /** The key of that send. */
  readonly key: Buffer
}

/** A record that was read. */
export interface LogEntry {
  readonly offset: number
  /** When the server appended it, or what the writer said, as the topic is set. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}

/** Records of one partition, in the order of the log and without repetition as long as the partition is read on. */
export interface LogBatch {
  readonly topic: string
  readonly partition: number
  /** May be empty: compaction leaves gaps, and a position beyond them is told too. */
  readonly entries: readonly LogEntry[]
  /** Everything below has been handed over: the offset to read on from. */
  readonly position: number
  /** The end of the partition when this was read. */
  readonly end: number
}

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A place in a partition: everything below it is done with. */
export interface LogPosition extends TopicPartition {
  readonly offset: number
}

/** What a member of a group wants and is told. */
export interface GroupOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** Milliseconds without a heartbeat after which the group goes on without this member. Default 10 000. */
  readonly sessionTimeout?: number
  /** The most bytes one fetch brings from one partition; a larger record still comes. Default 256 KiB. */
  readonly maxBytesPerPartition?: number
  readonly onBatch: (batch: LogBatch) => void
  /** Partitions that are read from now on, from their committed offset, without one from the beginning. Called before their first batch. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void
  /** Partitions that are read no more. Those kept through a rebalance are in neither call, go on where they are, and stay paused. */
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => void
  /** The group deals its partitions anew: nothing is handed over until it has. Noted offsets are being committed. */
  readonly onRebalancing?: () => void
  /** What does not pass by itself, such as a permission that was taken away. The member goes on trying. */
  readonly onError?: (error: Error) => void
}

/** One's place in a group. */
export interface GroupMember {
  /** Partitions that are assigned now. */
  assignment(): readonly TopicPartition[]
  /** Hands over nothing more of these partitions, from this call on. */
  pause(partitions: readonly TopicPartition[]): void
  /** Goes on behind the last batch that was handed over. */
  resume(partitions: readonly TopicPartition[]): void
  /** Notes where a later owner is to begin. It is sent soon, at the latest when partitions are dealt anew; what is lost is read again. */
  commit(positions: readonly LogPosition[]): void
  /** Sends what was noted and waits for the answer. Rejects when it cannot be sent now: it stays noted. */
  flush(): Promise<void>
  /** Gives all partitions back, and says so to `onRevoked`; the connections stay. Does nothing while outside. */
  leave(): Promise<void>
  /** Joins again after {@link leave}. */
  rejoin(): Promise<void>
  /** Leaves for good, within a bounded time also while the servers are away. */
  close(): Promise<void>
}

/** What somebody who reads by himself wants and is told. */
export interface TailOptions {
  readonly topic: string
  /** The most bytes one fetch brings from one partition; a larger record still comes. Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  readonly onBatch: (batch: LogBatch) => void
  /**
   * Records were lost before they were read: retention took them. Reading goes on at `offset`. Not called for gaps of compaction.
   */
  readonly onSkipped?: (position: LogPosition) => void
  /** What does not pass by itself. The tail goes on trying. */
  readonly onError?: (error: Error) => void
}

/** Where to begin: an offset, the first record there is, or behind the last one there is now. */
export type StartOffset = number | 'start' | 'end'

/** Reading a topic by oneself. */
export interface Tail {
  /**
   * Reads these partitions and no others. One that is read already goes on where it is; a new one begins at its start. From this call
   * on nothing of a removed partition is handed over, and one that is removed and set again begins anew.
   */
  setPartitions(starts: ReadonlyMap<number, StartOffset>): void
  /** Reads this partition as well, or anew from another place. */
  seek(partition: number, start: StartOffset): void
  /** Hands over nothing more of these partitions, from this call on. */
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  /**
   * Goes on at `offset`, if that is further on: what lies below is known from elsewhere. Something of it may still be handed over.
   */
  skip(partition: number, offset: number): void
  /** What was handed over: for each partition read the offset to go on from; undefined while its start is not known yet. */
  positions(): ReadonlyMap<number, number | undefined>
  /** When a server last answered this tail, by this process's clock. */
  lastAnswerAt(): number | undefined
  close(): Promise<void>
}

/** A loop that has to hear from a server now and then. */
export interface LoopState {
  /** As in `append`, `group ds-tasks` or `tail ds-state`. */
  readonly name: string
  /** By this process's clock; undefined if never. */
  readonly lastAnswerAt: number | undefined
  /** Whether an answer is due: a writer with nothing to write waits for none. */
  readonly waiting: boolean
  /** What went wrong since the last answer. */
  readonly problem?: string
}
