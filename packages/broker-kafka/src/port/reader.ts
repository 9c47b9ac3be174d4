import type { DsError } from '@ds/core'
import { isHopeless, toBrokerError } from '../errors.ts'
import { isPassing, KafkaAnswerError, nameOfCode } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { LogBatch, LoopState, StartOffset, TopicPartition } from './log-port.ts'
import { boundsOf, leaderMissing, listOffsets, refusal } from './offsets.ts'
import { Readings } from './reading.ts'
import type { ReaderHandlers, Reading } from './reading.ts'
import { readBatches } from './record-batch.ts'
import { FETCH, fetchRequest, readFetchAnswer } from './requests.ts'
import type { PartitionData } from './requests.ts'
import { Rest } from './rest.ts'
import { rotated } from './rotated.ts'
import { Retries, TooLateError } from './within.ts'

/** How a {@link Reader} reads. */
export interface ReaderOptions extends ReaderHandlers {
  readonly link: KafkajsLink
  /** As it shows in `loops()`. */
  readonly name: string
  readonly maxBytesPerPartition: number
}

/** How long a server holds a fetch for which there is nothing. */
const LONG_WAIT = 250
/** The same for partitions that were added while such a fetch is under way. */
const SHORT_WAIT = 20
const ANSWER_TIMEOUT = 5000
const FETCH_BYTES = 8 * 1024 * 1024
const MIN_FETCH_BYTES = 64 * 1024

/**
 * Reads partitions and hands their records over at once. Each server has one fetch that waits for something to come; what is added
 * meanwhile is fetched beside it. A position only grows, whatever happens to servers and connections.
 */
export class Reader {
  readonly #options: ReaderOptions
  readonly #link: KafkajsLink
  readonly #readings = new Readings()
  readonly #waiting = new Set<number>()
  readonly #beside = new Set<number>()
  /** What failed, until the leaders were asked for anew; everything else goes on. */
  readonly #sore = new Set<number | Reading>()
  readonly #retries = new Retries()
  readonly #rest = new Rest()
  #turn: NodeJS.Immediate | undefined
  #retry: NodeJS.Timeout | undefined
  #fetchBytes = FETCH_BYTES
  #locating = false
  #suspended = false
  #closed = false
  #lastAnswerAt: number | undefined
  #problem: DsError | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#link = options.link
  }

  /** Reads this partition from `start`, anew if it is read already. A paused one stays paused. */
  read(place: TopicPartition, start: StartOffset): void {
    this.#readings.set(place, start, this.#readings.get(place)?.paused ?? false)
    this.#soon()
  }

  stop(place: TopicPartition): void {
    this.#readings.delete(place)
  }

  stopAll(): void {
    this.#readings.clear()
  }

  reads(place: TopicPartition): boolean {
    return this.#readings.get(place) !== undefined
  }

  positionOf(place: TopicPartition): number | undefined {
    return this.#readings.get(place)?.position
  }

  places(): TopicPartition[] {
    return [...this.#readings.all()].map(({ topic, partition }) => ({ topic, partition }))
  }

  pause(places: readonly TopicPartition[]): void {
    this.#readings.setPaused(places, true)
  }

  resume(places: readonly TopicPartition[]): void {
    this.#readings.setPaused(places, false)
    this.#soon()
  }

  /** Goes on at `offset` if that is further on. */
  skip(place: TopicPartition, offset: number): void {
    const reading = this.#readings.get(place)
    if (reading?.position !== undefined && reading.position < offset && !reading.held) reading.position = offset
  }

  /** Hands nothing over until `suspend(false)`. */
  suspend(suspended: boolean): void {
    this.#suspended = suspended
    if (!suspended) this.#soon()
  }

  state(): LoopState {
    return {
      name: this.#options.name,
      lastAnswerAt: this.#lastAnswerAt,
      waiting: !this.#readings.all().next().done,
      ...(this.#problem && { problem: this.#problem.message }),
    }
  }

  close(): void {
    this.#closed = true
    this.#readings.clear()
    clearImmediate(this.#turn)
    clearTimeout(this.#retry)
    this.#rest.stop()
  }

  #soon(): void {
    if (this.#closed) return
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#advance()
    })
  }

  #advance(): void {
    this.#handHeld()
    const idle = [...this.#readings.all()].filter((reading) => this.#isIdle(reading))
    if (this.#suspended || idle.length === 0) return
    const lost = idle.filter((reading) => reading.position === undefined || this.#leaderOf(reading) === undefined)
    if (lost.length > 0 && !this.#locating && !this.#retry) void this.#locate(lost)
    const ready = idle.filter((reading) => reading.position !== undefined)
    for (const [node, readings] of Map.groupBy(ready, (reading) => this.#leaderOf(reading))) {
      if (node === undefined || this.#sore.has(node)) continue
      if (!this.#waiting.has(node)) void this.#fetch(node, readings, this.#waiting)
      else if (!this.#beside.has(node)) void this.#fetch(node, readings, this.#beside)
    }
  }

  #isIdle(reading: Reading): boolean {
    return !reading.asked && !reading.held && !reading.paused && !this.#sore.has(reading)
  }

  #leaderOf({ topic, partition }: TopicPartition): number | undefined {
    return this.#link.leader(topic, partition)
  }

  async #fetch(node: number, readings: readonly Reading[], slots: Set<number>): Promise<void> {
    const isLong = slots === this.#waiting
    const wait = isLong ? LONG_WAIT : SHORT_WAIT
    slots.add(node)
    const asked = new Map(rotated(readings).map((reading) => [reading, reading.position ?? 0] as const))
    for (const reading of asked.keys()) reading.asked = true
    try {
      const maxBytes = this.#options.maxBytesPerPartition
      const parts = [...asked].map(([{ topic, partition }, offset]) => ({ topic, partition, offset, maxBytes }))
      const body = fetchRequest(parts, wait, this.#fetchBytes)
      const timeout = wait + ANSWER_TIMEOUT
      const payload = await this.#link.send(node, { kind: FETCH, body, timeout, connection: isLong ? 1 : 0 })
      this.#lastAnswerAt = Date.now()
      this.#fetchBytes = Math.min(FETCH_BYTES, this.#fetchBytes * 2)
      this.#take(asked, readFetchAnswer(payload).partitions)
    } catch (error) {
      // An answer of that size may be too much for the link.
      if (error instanceof TooLateError) this.#fetchBytes = Math.max(MIN_FETCH_BYTES, this.#fetchBytes / 4)
      this.#sore.add(node)
      this.#fail(error)
    }
    for (const reading of asked.keys()) reading.asked = false
    slots.delete(node)
    this.#rest.restOr(() => this.#soon())
  }

  #take(asked: ReadonlyMap<Reading, number>, answers: readonly PartitionData[]): void {
    let [refused, known, isNews] = [0, 0, false]
    // When nothing came at all, no limit cut it off: up to its end each partition is empty.
    const isBarren = answers.every(({ records }) => records.length === 0)
    for (const answer of answers) {
      const reading = this.#readings.get(answer)
      const offset = reading && asked.get(reading)
      // It may have been skipped on meanwhile.
      if (!reading || offset === undefined || offset > (reading.position ?? -1)) continue
      if (answer.records.length > 0) known += (reading.position ?? offset) - offset
      if (answer.errorCode === 0) isNews = this.#accept(reading, answer, isBarren) || isNews
      else if (offset === reading.position) {
        refused += 1
        this.#refused(reading, nameOfCode(answer.errorCode))
      }
    }
    this.#rest.heard(isNews ? 0 : known)
    if (refused > 0 || this.#sore.size > 0) return
    this.#problem = undefined
    this.#retries.worked()
  }

  /** Whether there was anything that is not known yet. */
  #accept(reading: Reading, { records, end }: PartitionData, isBarren: boolean): boolean {
    // What is known of its end now would be old when it goes on: it is asked for again.
    if (reading.paused) return false
    const { topic, partition, position: from = 0, told } = reading
    const { entries, next = isBarren ? end : from } = readBatches(records, from)
    if (next <= from && told) return false
    const position = Math.max(next, from)
    reading.position = position
    reading.told = true
    const batch: LogBatch = { topic, partition, entries, position, end: Math.max(end, position) }
    if (this.#suspended) reading.held = batch
    else this.#hand(batch)
    return true
  }

  #hand(batch: LogBatch): void {
    try {
      this.#options.onBatch(batch)
    } catch (error) {
      // Not the fault of the server: reading goes on, and somebody hears of it.
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #handHeld(): void {
    if (this.#suspended) return
    for (const reading of this.#readings.all()) {
      const { held } = reading
      if (!held || reading.paused) continue
      reading.held = undefined
      this.#hand(held)
    }
  }

  #refused(reading: Reading, type: string): void {
    this.#sore.add(reading)
    if (type === 'OFFSET_OUT_OF_RANGE') return void this.#skip(reading)
    this.#fail(refusal(type, reading))
  }

  /** What was to be read next is gone: goes on with the first record that is left, or at the end when the log became shorter. */
  async #skip(reading: Reading): Promise<void> {
    const { topic, partition, position = 0 } = reading
    try {
      const [start, end] = await boundsOf(this.#link, reading)
      // A server said so that leads no more: nothing is gone.
      if (position >= start && position <= end) throw refusal('OFFSET_NOT_AVAILABLE', reading)
      this.#sore.delete(reading)
      this.#soon()
      if (!this.#readings.has(reading) || reading.position !== position) return
      reading.position = position < start ? start : end
      this.#options.onSkipped?.({ topic, partition, offset: reading.position })
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Learns who leads these partitions and where they begin. */
  async #locate(readings: readonly Reading[]): Promise<void> {
    this.#locating = true
    try {
      await this.#link.watch(this.#readings.topics())
      const leaderless = readings.find((reading) => this.#leaderOf(reading) === undefined)
      if (leaderless) throw leaderMissing(this.#link, leaderless)
      const open = readings.filter(({ position }) => position === undefined)
      for (const [start, group] of Map.groupBy(open, (reading) => reading.start)) {
        if (typeof start === 'number') continue
        const offsets = await listOffsets(this.#link, group, start)
        for (const reading of group) reading.position = offsets.get(reading)
      }
      this.#lastAnswerAt = Date.now()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#locating = false
      this.#soon()
    }
  }

  /** Goes on after a pause, however often it fails; what does not pass by itself is told. */
  #fail(error: unknown): void {
    const problem = toBrokerError(error, this.#link.address)
    if (this.#closed || problem.code === 'BrokerClosed') return
    this.#problem = problem
    const passes = error instanceof KafkaAnswerError && isPassing(error.type)
    if (isHopeless(problem) && (!passes || this.#retries.count > 6)) this.#options.onError?.(problem)
    this.#retry ??= setTimeout(() => void this.#lookAgain(), this.#retries.next())
  }

  async #lookAgain(): Promise<void> {
    await this.#link.refresh().catch((error: unknown) => {
      this.#problem = toBrokerError(error, this.#link.address)
    })
    this.#retry = undefined
    this.#sore.clear()
    this.#soon()
  }
}
