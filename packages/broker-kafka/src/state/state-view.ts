import { BrokerClosedError, BrokerUnavailableError } from '@ds/core'
import type { Appended, LogBatch, LogPort, LogRecord, Tail } from '../port/log-port.ts'
import type { Topology } from '../topology.ts'
import { Answers } from './answers.ts'
import type { ServerClock } from './clock.ts'
import { fold } from './fold.ts'
import { KeptPayloads } from './kept-payloads.ts'
import { keyOf } from './keys.ts'
import { OwnRecords } from './own-records.ts'
import { Partition } from './partition.ts'
import type { PartitionListener } from './partition.ts'
import { encodeRecord } from './records.ts'
import type { StateRecord } from './records.ts'
import { Sweeper } from './sweeper.ts'

/** How long ago a server may have answered, in milliseconds. */
const FRESH = 600

/** Somebody who waits until a partition has been folded up to an offset. */
interface Waiter {
  readonly partition: number
  /** Undefined: up to what was its end when it began to be read. */
  readonly offset: number | undefined
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Reading {
  /** How many want it read. */
  wanted: number
  reading: boolean
  /** Whether it has been folded up to its end since it is read. */
  live: boolean
  progressAt: number
  readonly own: OwnRecords
}

/** A record to write, with the task it is about. */
export interface StateWrite {
  readonly id: string
  readonly partition: number
  readonly record: StateRecord
  readonly payload?: string
}

/** What a view needs. */
export interface StateViewOptions {
  readonly port: LogPort
  readonly topology: Topology
  readonly clock: ServerClock
  readonly listener: Omit<PartitionListener, 'answered'>
  /** Called when a turn's records are folded. Must not throw. */
  readonly onFolded: () => void
  /** Milliseconds until a call that hears nothing rejects. */
  readonly patience: number
}

/** The state topic as this process sees it: the partitions that somebody wants, folded as they come. */
export class StateView {
  readonly partitions: readonly Partition[]
  readonly answers: Answers
  readonly #options: StateViewOptions
  readonly #readings: Reading[]
  readonly #waiters: Set<Waiter> = new Set()
  readonly #resumed: Set<number> = new Set()
  readonly #sweeper = new Sweeper((now) => this.#giveUp(now))
  #tail: Tail | undefined
  #closed = false

  constructor(options: StateViewOptions) {
    this.#options = options
    this.answers = new Answers()
    const listener: PartitionListener = {
      ...options.listener,
      answered: (nonce, answer, entry) => this.answers.answer(nonce, answer, entry),
    }
    const indexes = Array.from({ length: options.topology.partitions }, (_, index) => index)
    const kept = new KeptPayloads()
    this.partitions = indexes.map((index) => new Partition(index, listener, kept))
    const unread = { wanted: 0, reading: false, live: false, progressAt: 0 }
    this.#readings = indexes.map(() => ({ ...unread, own: new OwnRecords() }))
  }

  /** When a server last answered the tail, by this process's clock. */
  get lastAnswerAt(): number | undefined {
    return this.#tail?.lastAnswerAt()
  }

  async open(): Promise<void> {
    const { port, topology } = this.#options
    this.#tail = await port.tail({ topic: topology.state, onBatch: (batch) => this.#fold(batch) })
    this.#sweeper.open()
  }

  /** Resolves once a server has answered the tail: of topics that were created just now it may not know yet that it leads them. */
  async answered(): Promise<void> {
    while (!this.#closed && this.lastAnswerAt === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#sweeper.close()
    const error = new BrokerClosedError()
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters.clear()
    this.answers.close(error)
    await this.#tail?.close()
  }

  /** Has a partition read from now on, until as many have let go of it as wanted it. */
  want(partition: number): void {
    const reading = this.#reading(partition)
    reading.wanted += 1
    if (reading.reading) return
    reading.reading = true
    reading.live = false
    reading.progressAt = Date.now()
    if (this.#tail?.positions().has(partition)) this.#resume(partition)
    else this.#tail?.seek(partition, 'start')
  }

  /** What was folded is kept: one that is wanted again goes on where it was. */
  letGo(partition: number): void {
    const reading = this.#reading(partition)
    reading.wanted -= 1
    if (reading.wanted > 0) return
    reading.reading = false
    reading.live = false
    reading.own.clear()
    this.#tail?.pause([partition])
  }

  /** Whether a partition is read and folded up to its end. */
  isLive(partition: number): boolean {
    return this.#reading(partition).live
  }

  get allLive(): boolean {
    return this.#readings.every(({ live }) => live)
  }

  /** Resolves once a partition that is wanted is live, and holds what this process has written to it. */
  async current(partition: number): Promise<Partition> {
    const reading = this.#reading(partition)
    if (!reading.live) await this.#wait(partition, undefined)
    // Where the tail has not heard from a server just now, what others wrote may be missing.
    if (!this.isFresh) return this.newest(partition)
    const part = this.#partition(partition)
    if (part.position < reading.own.end) await this.#wait(partition, reading.own.end)
    return part
  }

  /** Whether the tail heard from a server a moment ago: it does so several times a second, also when nothing is written. */
  get isFresh(): boolean {
    const { port, topology } = this.#options
    if (Date.now() - (this.#tail?.lastAnswerAt() ?? 0) > FRESH) return false
    return port.loops().every(({ name, problem }) => name !== `tail ${topology.state}` || problem === undefined)
  }

  /** Resolves once a partition holds everything that stood in the log when this was called. */
  async newest(partition: number): Promise<Partition> {
    const { port, topology } = this.#options
    const end = (await port.endOffsets(topology.state, [partition])).get(partition) ?? 0
    const part = this.#partition(partition)
    if (part.position < end) await this.#wait(partition, end)
    return part
  }

  /** Writes records; resolves when they are durable. */
  async write(writes: readonly StateWrite[]): Promise<readonly Appended[]> {
    const { topology } = this.#options
    const records = writes.map(({ id, partition, record, payload }) => ({
      topic: topology.state,
      partition,
      key: keyOf(id),
      value: encodeRecord(record, payload),
    }))
    return this.append(records)
  }

  /** Writes records of the state topic as they are. */
  async append(records: readonly LogRecord[]): Promise<readonly Appended[]> {
    const { port, clock } = this.#options
    const appended = await port.append(records)
    const [first] = appended
    if (first?.appendedAt !== undefined) clock.sample(first.appendedAt)
    this.#noteOwn(records, appended)
    return appended
  }

  /** Folds what can be without reading it back. */
  #noteOwn(records: readonly LogRecord[], appended: readonly Appended[]): void {
    for (const [index, record] of records.entries()) {
      const { live, own } = this.#reading(record.partition)
      own.note(record, appended[index]!, live ? this.#partition(record.partition).position : undefined)
    }
    const partitions = [...new Set(records.map(({ partition }) => partition))]
    if (partitions.filter((partition) => this.#foldOwn(partition)).length > 0) this.#options.onFolded()
  }

  #foldOwn(partition: number): boolean {
    const [part, reading] = [this.#partition(partition), this.#reading(partition)]
    if (!reading.own.foldInto(part)) return false
    this.#tail?.skip(partition, part.position)
    reading.progressAt = Date.now()
    if (this.#waiters.size > 0) this.#wake(part, reading)
    return true
  }

  #fold({ partition, entries, position, end }: LogBatch): void {
    const part = this.#partition(partition)
    const reading = this.#reading(partition)
    for (const entry of entries) if (entry.offset >= part.position) fold(part, entry)
    if (position > part.position) part.position = position
    reading.own.forgetBelow(position)
    this.#foldOwn(partition)
    reading.progressAt = Date.now()
    if (reading.reading && part.position >= end) reading.live = true
    if (this.#waiters.size > 0) this.#wake(part, reading)
    this.#options.onFolded()
  }

  /** Where nothing was written meanwhile nothing comes: its end has to be asked for. */
  #resume(partition: number): void {
    this.#tail?.resume([partition])
    if (this.#resumed.size === 0) queueMicrotask(() => void this.#lookForEnds())
    this.#resumed.add(partition)
  }

  async #lookForEnds(): Promise<void> {
    const { port, topology } = this.#options
    const partitions = [...this.#resumed]
    this.#resumed.clear()
    try {
      const ends = await port.endOffsets(topology.state, partitions)
      for (const partition of partitions) this.#reached(partition, ends.get(partition) ?? Infinity)
    } catch {
      const open = partitions.filter((partition) => this.#reading(partition).reading && !this.isLive(partition))
      for (const partition of this.#closed ? [] : open) this.#resume(partition)
    }
  }

  #reached(partition: number, end: number): void {
    const [part, reading] = [this.#partition(partition), this.#reading(partition)]
    if (!reading.reading || reading.live || part.position < end) return
    reading.live = true
    this.#wake(part, reading)
    this.#options.onFolded()
  }

  #wake(part: Partition, { live }: Reading): void {
    for (const waiter of this.#waiters) {
      if (waiter.partition !== part.index) continue
      if (waiter.offset === undefined ? !live : part.position < waiter.offset) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  #wait(partition: number, offset: number | undefined): Promise<void> {
    if (this.#closed) return Promise.reject(new BrokerClosedError())
    return new Promise((resolve, reject) => {
      this.#waiters.add({ partition, offset, since: Date.now(), resolve, reject })
    })
  }

  #giveUp(now: number): void {
    const { patience } = this.#options
    for (const waiter of this.#waiters) {
      const { progressAt } = this.#reading(waiter.partition)
      if (now - Math.max(waiter.since, progressAt) < patience) continue
      this.#waiters.delete(waiter)
      waiter.reject(notRead(patience))
    }
    this.answers.giveUp(now - patience, () => notRead(patience))
  }

  #reading(partition: number): Reading {
    const reading = this.#readings[partition]
    if (!reading) throw new RangeError(`There is no partition ${partition}`)
    return reading
  }

  #partition(partition: number): Partition {
    const part = this.partitions[partition]
    if (!part) throw new RangeError(`There is no partition ${partition}`)
    return part
  }
}

function notRead(patience: number): BrokerUnavailableError {
  return new BrokerUnavailableError(`Kafka did not give back what was asked of it within ${patience} ms`, {
    fix: 'Try again; health() tells whether the servers answer',
  })
}
