import { setTimeout as delay } from 'node:timers/promises'
import { BrokerMisconfiguredError, DsError } from '@ds/core'
import type { ConsumerOptions, Durability, TaskConsumer } from '@ds/core'
import type { StreamInfo } from '@nats-io/jetstream'
import { NatsApps } from './apps.ts'
import { isAckOf } from './jetstream/acknowledge.ts'
import { Cancels } from './workers/cancels.ts'
import { checkLimits, errorLimitOf } from './capabilities.ts'
import type { ServerLimits } from './capabilities.ts'
import { Clock } from './jetstream/clock.ts'
import { NatsConsumer } from './workers/consumer.ts'
import { durabilityOf } from './jetstream/durability.ts'
import { Denials } from './jetstream/denials.ts'
import { Delays } from './delays.ts'
import { Entries } from './records/entries.ts'
import { NatsEvents } from './events.ts'
import { FirstEntries } from './records/first-entries.ts'
import { Holdings } from './workers/holdings.ts'
import { Link } from './jetstream/link.ts'
import { LiveView } from './views/live-view.ts'
import { cancelSubject, namesOf } from './names.ts'
import type { Names } from './names.ts'
import { Mending } from './mending.ts'
import { Marks } from './records/marks.ts'
import { drawNonce } from './records/nonce.ts'
import type { Settings } from './options.ts'
import { Parked } from './records/parked.ts'
import { Payloads } from './records/payloads.ts'
import { NatsQueue } from './queue.ts'
import { Queues } from './records/queues.ts'
import { Records } from './records/records.ts'
import { Removals } from './records/removals.ts'
import { NatsStore } from './store.ts'
import { StreamReader } from './jetstream/stream-reader.ts'
import { checkReplication } from './jetstream/replication.ts'
import { Revivals } from './revivals.ts'
import { ensureStreams } from './jetstream/topology.ts'
import { Upkeep } from './upkeep.ts'

const CLOCK_AGE = 60_000
const RETRY_WAIT = 200

/** The parts of a broker, and what they share. */
export class NatsParts {
  readonly link: Link
  readonly names: Names
  readonly queue: NatsQueue
  readonly store: NatsStore
  readonly parked: Parked
  readonly events: NatsEvents
  readonly apps: NatsApps
  readonly upkeep: Upkeep
  readonly revivals: Revivals
  readonly denials: Denials
  readonly marks: Marks
  readonly records: Records
  readonly entries: Entries
  readonly reader: StreamReader
  readonly consumers: Set<NatsConsumer> = new Set()
  readonly #settings: Settings
  readonly #queues: Queues
  readonly #payloads: Payloads
  readonly #clock = new Clock()
  readonly #view: LiveView
  readonly #cancels: Cancels
  readonly #delays: Delays
  #streams: readonly StreamInfo[] = []
  #durability: Durability = { level: 'unknown', summary: 'not connected' }
  #clockTimer: NodeJS.Timeout | undefined
  #stopWatching: () => void = () => undefined

  constructor(settings: Settings) {
    const link = new Link(settings)
    const names = namesOf(settings.namespace)
    const replicated = (): boolean => this.#streams.some(({ config }) => config.num_replicas > 1)
    const parked = new Parked(link, names, replicated)
    const queues = new Queues(link, names)
    const payloads = new Payloads(link, names, replicated)
    const clock = this.#clock
    const firstEntries = new FirstEntries({ link, names, queues, parked, replicated })
    const records = new Records({ link, names, replicated, parked, firstEntries })
    const entries = new Entries({ link, names, records, parked, replicated })
    const reader = new StreamReader(link, names.tasks, replicated)
    const marks = new Marks({ link, names, reader, process: drawNonce() })
    const view = new LiveView({ link, names, queues, marks })
    const removals = new Removals({ link, names, records, entries, payloads })
    const store = new NatsStore({ records, payloads, removals, view, clock })
    this.#settings = settings
    this.link = link
    this.names = names
    this.parked = parked
    this.store = store
    this.queue = new NatsQueue({ link, names, records, payloads, entries, firstEntries, clock })
    this.events = new NatsEvents(link, names)
    this.apps = new NatsApps(link, names, reader)
    this.#queues = queues
    this.marks = marks
    this.records = records
    this.entries = entries
    this.reader = reader
    this.#payloads = payloads
    this.#view = view
    this.#cancels = new Cancels(link, names, this.consumers)
    this.#delays = new Delays({ link, names, clock, entries, parked })
    this.revivals = new Revivals({ link, names, reader, entries, removals, clock })
    const mending = new Mending({ link, names, reader, records, entries, clock })
    const acks = (subject: string): boolean => isAckOf(subject, names.tasks) || isAckOf(subject, names.delayed)
    this.denials = new Denials(link, { acks, cancels: cancelSubject(names) })
    this.upkeep = new Upkeep({ link, names, mending, removals, clock })
  }

  get limits(): ServerLimits {
    return { maxMessage: this.link.client.info?.max_payload ?? 1024 * 1024 }
  }

  get durability(): Durability {
    return this.#durability
  }

  /** Connects, and creates what is missing on the server. What was opened before a failure is closed again. */
  async open(options: { timeout: number; signal?: AbortSignal }): Promise<void> {
    const until = performance.now() + options.timeout
    await this.link.open(options)
    try {
      await patiently(until, () => this.#prepare())
    } catch (error) {
      this.upkeep.reset()
      await this.link.reset()
      throw error
    }
    this.#clockTimer = setInterval(() => void this.#keepUp().catch(() => undefined), CLOCK_AGE)
    this.#clockTimer.unref()
    this.#stopWatching = this.link.onReturn(() => {
      if (this.consumers.size > 0) this.#checkSoon()
    })
  }

  async close(): Promise<void> {
    clearInterval(this.#clockTimer)
    this.#stopWatching()
    await Promise.all([...this.consumers].map((consumer) => consumer.close()))
    this.upkeep.close()
    this.#cancels.close()
    await this.#delays.close()
    this.events.close()
    this.#view.close()
    await this.link.close()
  }

  async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const consumer = new NatsConsumer(
      {
        link: this.link,
        names: this.names,
        queues: this.#queues,
        records: this.records,
        payloads: this.#payloads,
        parked: this.parked,
        clock: this.#clock,
        holdings: new Holdings(),
        options,
        errorLimit: errorLimitOf(this.limits),
      },
      (closed) => this.consumers.delete(closed),
    )
    try {
      await consumer.open()
      await this.#cancels.open()
      await this.#delays.open()
    } catch (error) {
      await consumer.close()
      throw error
    }
    // The server may have been killed before this process came.
    if (this.consumers.size === 0) this.#checkSoon()
    this.consumers.add(consumer)
    return consumer
  }

  async #prepare(): Promise<void> {
    checkLimits(this.limits)
    this.#streams = await ensureStreams(this.link, this.names)
    checkReplication(
      this.link.client.info?.version,
      Math.max(...this.#streams.map(({ config }) => config.num_replicas)),
    )
    await this.marks.setClock(this.#clock)
    this.#durability = await durabilityOf(this.#streams, this.#settings.monitor)
    if (this.#settings.requireDurable && this.#durability.level !== 'strong') {
      const { summary, advice } = this.#durability
      throw new BrokerMisconfiguredError(`NATS is not as durable as requireDurable asks for: ${summary}`, {
        ...(advice !== undefined && { fix: advice }),
      })
    }
    await this.upkeep.open()
  }

  #checkSoon(): void {
    void this.#lookBehindRestarts().catch(() => undefined)
  }

  async #keepUp(): Promise<void> {
    await this.marks.setClock(this.#clock)
    await this.#queues.reopen()
    if (this.consumers.size > 0) await this.#lookBehindRestarts()
  }

  /** For what a server that was killed has brought back. */
  async #lookBehindRestarts(): Promise<void> {
    await this.upkeep.afterRestart()
    await this.revivals.check()
  }
}

/** A server that has just started takes connections before its streams answer: what is prepared there is tried again until then. */
async function patiently(until: number, run: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!DsError.is(error, 'BrokerUnavailable') || performance.now() + RETRY_WAIT > until) throw error
      await delay(RETRY_WAIT)
    }
  }
}
