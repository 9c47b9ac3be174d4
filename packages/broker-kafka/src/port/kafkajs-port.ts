import { BrokerClosedError } from '@ds/core'
import { toBrokerError } from '../errors.ts'
import { Appender } from './appender.ts'
import { KafkaAnswerError, nameOfCode } from './error-codes.ts'
import { KafkajsLink } from './kafkajs-link.ts'
import type { LinkSettings } from './kafkajs-link.ts'
import { KafkajsMember } from './kafkajs-member.ts'
import { KafkajsTail } from './kafkajs-tail.ts'
import { createTopics, deleteRecords, describeTopics, listTopics } from './kafkajs-topics.ts'
import type {
  Appended,
  AppendOptions,
  GroupMember,
  GroupOptions,
  LogEntry,
  LogPort,
  LogPosition,
  LogRecord,
  LoopState,
  Tail,
  TailOptions,
  TopicDescription,
  TopicSettings,
} from './log-port.ts'
import { listOffsets } from './offsets.ts'
import { persist } from './persist.ts'
import { readAgain } from './read-again.ts'

/** What a port stands on. */
export interface KafkaPortOptions extends LinkSettings {
  /** Milliseconds until `append` and the questions give up. Default 15 000. */
  readonly patience?: number
  /** Milliseconds until `connect` gives up. Default 5000. */
  readonly connectPatience?: number
  /** Of topics that do not say it themselves. Default: the server's. */
  readonly replicationFactor?: number
}

/** The log on Kafka, by the lower half of kafkajs. */
export class KafkajsPort implements LogPort {
  readonly #options: KafkaPortOptions
  readonly #link: KafkajsLink
  readonly #appender: Appender
  readonly #patience: number
  readonly #tails = new Set<KafkajsTail>()
  readonly #members = new Set<KafkajsMember>()
  #closed = false

  constructor(options: KafkaPortOptions) {
    this.#options = options
    this.#patience = options.patience ?? 15_000
    this.#link = new KafkajsLink(options)
    this.#appender = new Appender({ link: this.#link, sizeLimit: (topic) => this.#sizeLimit(topic) })
  }

  async connect(): Promise<void> {
    const patience = this.#options.connectPatience ?? 5000
    await persist({ link: this.#link, patience }, () => this.#link.refresh())
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#appender.close()
    await Promise.all([...this.#members, ...this.#tails].map((loop) => loop.close()))
    this.#link.close()
  }

  ensureTopics(topics: readonly TopicSettings[]): Promise<void> {
    return this.#persist(() => createTopics(this.#link, topics, this.#options.replicationFactor))
  }

  topics(prefix: string): Promise<readonly string[]> {
    return this.#persist(() => listTopics(this.#link, prefix))
  }

  describeTopics(topics: readonly string[]): Promise<readonly (TopicDescription | undefined)[]> {
    return this.#persist(() => describeTopics(this.#link, topics))
  }

  append(records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Appended[]> {
    return this.#appender.append(records, options.patience ?? this.#patience)
  }

  async joinGroup(options: GroupOptions): Promise<GroupMember> {
    const member = new KafkajsMember(this.#newLink(), options, () => this.#members.delete(member))
    this.#members.add(member)
    await member.rejoin()
    return member
  }

  async tail(options: TailOptions): Promise<Tail> {
    const tail = new KafkajsTail(this.#newLink(), options, () => this.#tails.delete(tail))
    this.#tails.add(tail)
    return tail
  }

  readAgain(places: readonly LogPosition[]): Promise<readonly (LogEntry | undefined)[]> {
    return this.#persist(() => readAgain(this.#link, places))
  }

  endOffsets(topic: string, partitions?: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#persist(() => this.#offsets(topic, 'end', partitions))
  }

  startOffsets(topic: string, partitions?: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#persist(() => this.#offsets(topic, 'start', partitions))
  }

  deleteRecords(topic: string, before: ReadonlyMap<number, number>): Promise<void> {
    return this.#persist(() => deleteRecords(this.#link, topic, before))
  }

  loops(): readonly LoopState[] {
    return [this.#appender, ...this.#members, ...this.#tails].map((loop) => loop.state())
  }

  async #offsets(
    topic: string,
    which: 'start' | 'end',
    partitions?: readonly number[],
  ): Promise<ReadonlyMap<number, number>> {
    await this.#link.watch([topic])
    const known = this.#link.topic(topic)
    if (known?.errorCode !== 0) throw new KafkaAnswerError(nameOfCode(known?.errorCode ?? 3), topic)
    const all = known.partitions.map(({ partition }) => partition)
    const places = (partitions ?? all).map((partition) => ({ topic, partition }))
    const offsets = await listOffsets(this.#link, places, which)
    return new Map([...offsets].map(([{ partition }, offset]) => [partition, offset]))
  }

  async #sizeLimit(topic: string): Promise<number> {
    const [description] = await describeTopics(this.#link, [topic])
    return Number(description?.settings.get('max.message.bytes'))
  }

  #newLink(): KafkajsLink {
    if (this.#closed) throw new BrokerClosedError()
    return new KafkajsLink(this.#options)
  }

  async #persist<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new BrokerClosedError()
    try {
      return await persist({ link: this.#link, patience: this.#patience }, work)
    } catch (error) {
      throw toBrokerError(error, this.#options.address)
    }
  }
}

/** A port that is not connected yet. */
export function createKafkaPort(options: KafkaPortOptions): LogPort {
  return new KafkajsPort(options)
}
