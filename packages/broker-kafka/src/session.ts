import type { ConsumerOptions, EventFilter, SubscriptionItem } from '@ds/core'
import { KafkaEvents } from './events.ts'
import { Keeper } from './keeper/keeper.ts'
import type { Parts } from './parts.ts'
import type { LogPort, LoopState } from './port/log-port.ts'
import { KafkaQueue } from './queue.ts'
import { Apps } from './registry/apps.ts'
import { ParkedRecords } from './registry/parked.ts'
import { Registry } from './registry/registry.ts'
import { ServerClock } from './state/clock.ts'
import { Demand } from './state/demand.ts'
import { consumerOf } from './state/entry.ts'
import type { Entry } from './state/entry.ts'
import type { Told } from './state/partition.ts'
import { StateView } from './state/state-view.ts'
import { TaskIndex } from './state/task-index.ts'
import { KafkaStore } from './store.ts'
import type { Topology } from './topology.ts'
import { KafkaConsumer } from './workers/consumer.ts'
import { dutiesOf } from './workers/duties.ts'
import { Presence } from './workers/presence.ts'

/** How long a call waits for what it wrote to be read, in milliseconds. */
const PATIENCE = 5000

/** What a session is made of. */
export interface SessionOptions {
  readonly port: LogPort
  readonly topology: Topology
  /** How long finished tasks are kept, in milliseconds. */
  readonly retention: number | undefined
}

/** What a connected broker consists of, and how its parts hear of each other. */
export class Session {
  readonly queue: KafkaQueue
  readonly store: KafkaStore
  readonly apps: Apps
  readonly parked: ParkedRecords
  readonly #parts: Parts
  readonly #registry: Registry
  readonly #demand: Demand
  readonly #events = new KafkaEvents()
  readonly #index = new TaskIndex()
  readonly #keeper: Keeper
  readonly #consumers = new Map<string, KafkaConsumer>()
  #watch: NodeJS.Timeout | undefined
  #broken = false
  #closed: Promise<void> | undefined

  constructor({ port, topology, retention }: SessionOptions) {
    const clock = new ServerClock()
    const view = new StateView({
      port,
      topology,
      clock,
      patience: PATIENCE,
      listener: {
        added: (entry) => this.#index.add(entry),
        removed: () => this.#index.remove(),
        changed: (entry, told) => this.#changed(entry, told),
        claimEnded: (entry, claim) => this.#consumers.get(consumerOf(claim))?.claimEnded(entry, claim),
      },
      onFolded: () => this.#folded(),
    })
    view.answers.onUnexpected = (claim, answer, entry) => this.#unexpected(claim, answer, entry)
    const presence = new Presence({
      port,
      topic: topology.workers,
      clock,
      describe: () => [...this.#consumers.values()].flatMap((consumer) => consumer.describe() ?? []),
      onChange: () => this.#deal(),
    })
    this.#parts = { port, topology, clock, view, presence }
    this.#registry = new Registry({ port, topic: topology.registry, patience: PATIENCE })
    this.apps = new Apps(this.#registry)
    this.parked = new ParkedRecords(this.#registry, { port, topic: topology.state })
    this.#demand = new Demand(view)
    this.queue = new KafkaQueue(this.#parts, this.#demand)
    this.store = new KafkaStore(this.#parts, { demand: this.#demand, queue: this.queue, index: this.#index })
    this.#keeper = new Keeper({ parts: this.#parts, parked: this.parked, retention })
  }

  async open(): Promise<void> {
    const { view, presence } = this.#parts
    await view.open()
    this.#demand.open()
    await presence.open()
    await view.answered()
    if (this.#closed) return
    this.#keeper.open()
    this.#watch = setInterval(() => this.#watchForBreaks(), 100)
    this.#watch.unref()
  }

  async openConsumer(options: ConsumerOptions): Promise<KafkaConsumer> {
    const consumer = new KafkaConsumer(this.#parts, options)
    this.#consumers.set(consumer.name, consumer)
    this.#demand.narrow()
    await this.#parts.presence.speak()
    return consumer
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    // From the end as it is now: what another process was told before is behind it, and so is any break.
    await this.#demand.everything()
    this.#watchForBreaks()
    return this.#events.subscribe(filter, signal)
  }

  loops(): readonly LoopState[] {
    return this.#parts.port.loops()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { view, presence, port } = this.#parts
    clearInterval(this.#watch)
    await Promise.allSettled([...this.#consumers.values()].map((consumer) => consumer.close()))
    for (const consumer of this.#consumers.values()) consumer.end()
    this.#events.close()
    this.#demand.close()
    await this.#keeper.close()
    await presence.close()
    await view.close()
    await this.#registry.close()
    await port.close()
  }

  #changed(entry: Entry, told: Told): void {
    if (told.event === 'CancelEvent') this.#consumers.get(consumerOf(entry.claim?.name ?? '.'))?.cancelAsked(entry)
    if (this.#parts.view.isLive(entry.partition)) this.#events.tell(entry, told)
  }

  #folded(): void {
    for (const consumer of this.#consumers.values()) consumer.folded()
  }

  /** A claim that was given up came to stand in the log after all. */
  #unexpected(nonce: string, answer: string, entry: Entry | undefined): void {
    if (answer === 'claimed' && entry) this.#consumers.get(consumerOf(nonce))?.adopt(entry, nonce)
  }

  /** Somebody came, went, or got full. */
  #deal(): void {
    const { presence, topology } = this.#parts
    const { served, kept } = dutiesOf(presence.members(), presence.id, topology.partitions)
    for (const [name, consumer] of this.#consumers) consumer.serve(served.get(name) ?? new Map())
    this.#keeper.keep(kept)
  }

  /** Nothing is missed over a break, for reading goes on where it was; but nobody knew for how long, and may want to look anew. */
  #watchForBreaks(): void {
    const { port, topology } = this.#parts
    const tail = port.loops().find(({ name }) => name === `tail ${topology.state}`)
    const broken = tail?.problem !== undefined
    if (this.#broken && !broken) this.#events.resync()
    this.#broken = broken
  }
}
