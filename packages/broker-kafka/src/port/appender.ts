import { BrokerClosedError, BrokerMisconfiguredError, BrokerUnavailableError, PayloadTooLargeError } from '@ds/core'
import type { DsError } from '@ds/core'
import { isHopeless, toBrokerError } from '../errors.ts'
import { AppendQueue, takeBatches } from './append-queue.ts'
import type { AppendCall, AppendItem, Lane, LaneBatch } from './append-queue.ts'
import { isPassing, KafkaAnswerError, nameOfCode } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import { Linger } from './linger.ts'
import type { Appended, LogRecord, LoopState } from './log-port.ts'
import { PRODUCE, produceRequest, readProduceAnswer } from './requests.ts'
import type { PartitionAnswer } from './requests.ts'
import { rotated } from './rotated.ts'
import { Retries } from './within.ts'

/** How long the servers may take to have a record in all replicas; a bit later the request counts as lost. */
const REPLICAS_TIMEOUT = 4000
const REQUEST_TIMEOUT = 5000
/** Bytes a millisecond that a large request is given time for. */
const SLOW_LINK = 200
/** A topic that was just created is unknown to some servers for a moment. */
const UNKNOWN_TOPIC_PATIENCE = 5000
const SWEEP = 100

/** What an {@link Appender} works with. */
export interface AppenderParts {
  readonly link: KafkajsLink
  /** The `max.message.bytes` of a topic. */
  readonly sizeLimit: (topic: string) => Promise<number>
}

/**
 * Writes records with one request in flight for each server. A record counts as written when its own partition has an entry without
 * an error in the answer to the very request that carried it; whatever has none is sent again.
 */
export class Appender {
  readonly #link: KafkajsLink
  readonly #sizeLimit: AppenderParts['sizeLimit']
  readonly #queue = new AppendQueue()
  readonly #busy = new Set<number>()
  readonly #lingers = new Map<number, Linger>()
  /** What failed, until the leaders were asked for anew; everything else goes on. */
  readonly #sore = new Set<Lane>()
  readonly #retries = new Retries()
  #learning = false
  #turn: NodeJS.Immediate | undefined
  #retry: NodeJS.Timeout | undefined
  #sweep: NodeJS.Timeout | undefined
  #lastAnswerAt: number | undefined
  #problem: DsError | undefined
  #closed = false

  constructor({ link, sizeLimit }: AppenderParts) {
    this.#link = link
    this.#sizeLimit = sizeLimit
  }

  append(records: readonly LogRecord[], patience: number): Promise<readonly Appended[]> {
    if (this.#closed) return Promise.reject(new BrokerClosedError())
    if (records.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const since = Date.now()
      this.#queue.add(records, { since, deadline: since + patience, resolve, reject })
      this.#sweep ??= setInterval(() => this.#expire(), SWEEP)
      this.#soon()
    })
  }

  state(): LoopState {
    return {
      name: 'append',
      lastAnswerAt: this.#lastAnswerAt,
      waiting: this.#queue.size > 0,
      ...(this.#problem && { problem: this.#problem.message }),
    }
  }

  /** Rejects what has no answer yet. */
  close(): void {
    this.#closed = true
    clearInterval(this.#sweep)
    clearTimeout(this.#retry)
    clearImmediate(this.#turn)
    for (const linger of this.#lingers.values()) linger.stop()
    this.#queue.rejectAll(() => new BrokerClosedError())
  }

  /** At the end of this turn, so that what comes in the same turn goes together. */
  #soon(): void {
    if (this.#closed) return
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#advance()
    })
  }

  /** Hands every server that is free what waits for it. */
  #advance(): void {
    const lanes = this.#queue.waiting().filter((lane) => !this.#sore.has(lane))
    const [known = [], unknown = []] = [true, false].map((is) =>
      lanes.filter(({ topic }) => (this.#link.topic(topic) !== undefined) === is),
    )
    if (unknown.length > 0) void this.#learn([...new Set(unknown.map(({ topic }) => topic))])
    const groups = Map.groupBy(known, ({ topic, partition }) => this.#link.leader(topic, partition))
    for (const [node, waiting] of groups) {
      if (node === undefined) for (const lane of waiting) this.#withoutLeader(lane)
      else if (!this.#busy.has(node) && this.#lingerOf(node).maySend(countOf(waiting), () => this.#soon()))
        void this.#send(node, takeBatches(rotated(waiting), this.#queue))
    }
  }

  #lingerOf(node: number): Linger {
    const known = this.#lingers.get(node) ?? new Linger()
    this.#lingers.set(node, known)
    return known
  }

  async #send(node: number, batches: readonly LaneBatch[]): Promise<void> {
    if (batches.length === 0) return
    this.#busy.add(node)
    try {
      const body = produceRequest(batches, REPLICAS_TIMEOUT)
      const timeout = REQUEST_TIMEOUT + body.length / SLOW_LINK
      const payload = await this.#link.send(node, { kind: PRODUCE, body, timeout })
      this.#lastAnswerAt = Date.now()
      this.#take(batches, readProduceAnswer(payload))
    } catch (error) {
      for (const batch of batches) this.#settle(batch.lane, batch.items, toBrokerError(error, this.#link.address))
    }
    this.#busy.delete(node)
    if (this.#queue.size > 0) this.#soon()
  }

  #take(batches: readonly LaneBatch[], answers: readonly PartitionAnswer[]): void {
    let refused = 0
    for (const batch of batches) {
      const { topic, partition, items } = batch
      const answer = answers.find((given) => given.partition === partition && given.topic === topic)
      if (answer?.errorCode === 0) {
        for (let index = 0; index < items.length; index += 1) this.#queue.done(items[index]!, appended(answer, index))
      } else {
        refused += 1
        this.#refused(batch, nameOfCode(answer?.errorCode ?? 13))
      }
    }
    if (refused > 0 || this.#sore.size > 0) return
    this.#problem = undefined
    this.#retries.worked()
  }

  #refused(batch: LaneBatch, type: string): void {
    const { topic, partition, lane, items } = batch
    const isTooLarge = type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE'
    if (isTooLarge && items.length === 1) return void this.#tooLarge(batch)
    if (isTooLarge) {
      lane.maxBytes = batch.bytes / 2
      return this.#queue.putBack(lane, items)
    }
    const error = new KafkaAnswerError(type, `partition ${partition} of ${topic}`)
    const problem = toBrokerError(error, this.#link.address)
    const since = Math.min(...items.map(({ call }) => call.since))
    const isGone = type === 'UNKNOWN_TOPIC_OR_PARTITION' && Date.now() - since > UNKNOWN_TOPIC_PATIENCE
    const passes = isPassing(type) && !isGone
    this.#settle(lane, items, passes ? new BrokerUnavailableError(problem.message, { cause: problem }) : problem)
  }

  async #tooLarge({ topic, items: [item], bytes }: LaneBatch): Promise<void> {
    const limit = await this.#sizeLimit(topic).catch(() => NaN)
    if (item) this.#queue.fail(item, new PayloadTooLargeError(`A record for ${topic}`, bytes, limit))
  }

  /** Fails what cannot be helped, and sends everything else again after a pause. */
  #settle(lane: Lane, items: readonly AppendItem[], problem: DsError): void {
    this.#problem = problem
    if (problem.code === 'BrokerClosed' || isHopeless(problem)) {
      for (const item of items) this.#queue.fail(item, problem)
    } else {
      this.#queue.putBack(lane, items)
      this.#sore.add(lane)
      this.#pause()
    }
  }

  #withoutLeader(lane: Lane): void {
    const { topic, partition } = lane
    const items = lane.items.splice(0)
    const known = this.#link.topic(topic)
    if (known && known.errorCode !== 0) {
      this.#refused({ topic, partition, lane, items, records: [], bytes: 0 }, nameOfCode(known.errorCode))
    } else if (known?.partitions.some((place) => place.partition === partition)) {
      this.#refused({ topic, partition, lane, items, records: [], bytes: 0 }, 'LEADER_NOT_AVAILABLE')
    } else {
      const message = `Kafka at ${this.#link.address} has no partition ${partition} in ${topic}, but ${known?.partitions.length}`
      this.#settle(lane, items, new BrokerMisconfiguredError(message, { fix: 'Look for who made this topic anew' }))
    }
  }

  async #learn(topics: readonly string[]): Promise<void> {
    if (this.#learning || this.#retry) return
    this.#learning = true
    try {
      await this.#link.watch(topics)
      this.#soon()
    } catch (error) {
      this.#note(error)
      this.#pause()
    } finally {
      this.#learning = false
    }
  }

  /** After a pause the leaders are asked for anew, and everything that waits is sent. */
  #pause(): void {
    if (this.#closed || this.#retry) return
    this.#retry = setTimeout(() => void this.#lookAgain(), this.#retries.next())
  }

  async #lookAgain(): Promise<void> {
    await this.#link.refresh().catch((error: unknown) => this.#note(error))
    this.#retry = undefined
    this.#sore.clear()
    this.#soon()
  }

  #note(error: unknown): void {
    const problem = toBrokerError(error, this.#link.address)
    this.#problem = problem
    if (isHopeless(problem)) this.#queue.rejectAll(() => problem)
  }

  #expire(): void {
    this.#queue.expire(Date.now(), (call) => this.#tooLate(call))
    if (this.#queue.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }

  #tooLate({ since }: AppendCall): BrokerUnavailableError {
    const seconds = ((Date.now() - since) / 1000).toFixed(1)
    const why = this.#problem ? `: ${this.#problem.message}` : ''
    return new BrokerUnavailableError(`Kafka at ${this.#link.address} did not confirm a write in ${seconds} s${why}`, {
      fix: 'It may stand in the log or not; write it again',
      ...(this.#problem && { cause: this.#problem }),
    })
  }
}

function countOf(lanes: readonly Lane[]): number {
  return lanes.reduce((count, { items }) => count + items.length, 0)
}

function appended({ baseOffset, appendTime }: PartitionAnswer, index: number): Pick<Appended, 'offset' | 'appendedAt'> {
  return { offset: baseOffset + index, appendedAt: appendTime < 0 ? undefined : appendTime }
}
