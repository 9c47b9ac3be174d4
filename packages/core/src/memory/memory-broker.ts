import type { BrokerHealth } from '../broker/health.ts'
import type { AppDescription } from '../app/app-description.ts'
import type {
  Broker,
  CancelAnswer,
  ConsumerOptions,
  NewTask,
  ParkedStore,
  RemoveAnswer,
  Result,
  RetryAnswer,
  SubmitAnswer,
  TaskConsumer,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from '../broker/broker.ts'
import type { BrokerAdapter, BrokerOptions } from '../broker/broker-adapter.ts'
import { resolveBrokerOptions } from '../broker/broker-options.ts'
import type { BrokerKind } from '../broker/broker-options.ts'
import type { BrokerCapabilities } from '../broker/capabilities.ts'
import { QueueFullError } from '../errors.ts'
import { EventBuffer } from '../watching/event-buffer.ts'
import type { EventFilter, SubscriptionItem } from '../events.ts'
import { isFinal } from '../tasks/task.ts'
import type { AttemptError, Payload, Task } from '../tasks/task.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import { MemoryState, SWEEP_INTERVAL } from './memory-state.ts'

/** A memory broker has no options of its own. */
export type MemoryBrokerOptions = BrokerOptions

const KIND: BrokerKind<MemoryBrokerOptions> = { broker: 'memory', retentionByCount: true, own: {} }
const CREATED: Result<SubmitAnswer> = { ok: true, value: 'created' }
const EXISTS: Result<SubmitAnswer> = { ok: true, value: 'exists' }

/**
 * The broker that lives in one process: for the first minute, for tests, for programs that need no other process. It keeps the
 * whole contract as far as a process can, and is the one to read before writing an adapter. What it holds ends with its process.
 */
export class MemoryBroker implements Broker {
  readonly name = 'memory'
  readonly address = 'memory:'
  readonly capabilities: BrokerCapabilities
  readonly #state: MemoryState
  readonly #apps = new Map<string, AppDescription>()

  /** @throws ConfigInvalidError for options that cannot work. */
  constructor(options: MemoryBrokerOptions = {}) {
    const { retention, maxPayload } = resolveBrokerOptions(options, KIND)
    this.#state = new MemoryState(retention)
    this.capabilities = {
      shared: false,
      persistent: false,
      batch: { inFlight: 1, maxItems: 1000, maxBytes: 64 * 1024 * 1024 },
      claimAhead: 0,
      sweepInterval: SWEEP_INTERVAL,
      takeover: 0,
      delayTick: 5,
      readLag: 0,
      list: 'indexed',
      settlement: 'decided',
      retentionByCount: true,
      queueLimit: true,
      maxPayload,
    }
  }

  async connect(): Promise<void> {
    this.#state.open()
  }

  async close(): Promise<void> {
    for (const consumer of this.#state.consumers) await consumer.close()
    this.#state.close()
  }

  async health(): Promise<BrokerHealth> {
    return {
      ok: true,
      checks: [{ name: 'connection', ok: true, lastRoundTripAt: Date.now() }],
      durability: { level: 'process', summary: 'tasks are kept in this process and end with it' },
    }
  }

  async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const now = this.#state.now()
    return tasks.map((task) => this.#submitOne(task, now))
  }

  async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const consumer = new MemoryConsumer(this.#state, options)
    this.#state.consumers.add(consumer)
    return consumer
  }

  async cancel(id: string, { requeue }: { requeue: boolean }): Promise<CancelAnswer> {
    const entry = this.#state.ledger.get(id)
    if (!entry) return 'unknown'
    if (entry.task.state === 'CANCELLED') return 'cancelled'
    if (isFinal(entry.task.state)) return 'finished'
    const change = this.#state.change(entry, { type: 'cancel', at: this.#state.now(), requeue })
    if (change.verdict !== 'applied') return 'queued'
    if (change.task.state === 'CANCELLED') return 'cancelled'
    for (const consumer of this.#state.consumers) consumer.notify(entry, requeue)
    return 'requested'
  }

  async retry(id: string, { nonce }: { nonce: string }): Promise<RetryAnswer> {
    const entry = this.#state.ledger.get(id)
    if (!entry) return 'unknown'
    if (entry.retriedBy === nonce) return 'queued'
    if (!isFinal(entry.task.state)) return 'active'
    entry.result = undefined
    entry.retriedBy = nonce
    this.#state.change(entry, { type: 'retry', at: this.#state.now() })
    return 'queued'
  }

  async get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return ids.map((id) => this.#state.ledger.get(id)?.task)
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    return this.#state.ledger.list(query)
  }

  async counts(): Promise<TaskCounts> {
    return { ...this.#state.ledger.counts(), delayed: this.#state.queues.delayed }
  }

  async args(id: string): Promise<Payload | undefined> {
    return this.#state.ledger.get(id)?.args
  }

  async result(id: string): Promise<Payload | undefined> {
    return this.#state.ledger.get(id)?.result
  }

  async errors(id: string): Promise<AttemptError[]> {
    return [...(this.#state.ledger.get(id)?.errors ?? [])]
  }

  async remove(id: string): Promise<RemoveAnswer> {
    const entry = this.#state.ledger.get(id)
    if (!entry) return 'unknown'
    if (!isFinal(entry.task.state)) return 'active'
    this.#state.ledger.remove(entry)
    return 'removed'
  }

  get parked(): ParkedStore {
    return this.#state.parked
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    const { subscribers } = this.#state
    const buffer = new EventBuffer({ filter, signal })
    subscribers.add(buffer)
    signal.addEventListener('abort', () => subscribers.delete(buffer), { once: true })
    return buffer
  }

  async announce(app: AppDescription): Promise<void> {
    this.#apps.set(app.name, app)
  }

  async apps(): Promise<AppDescription[]> {
    return [...this.#apps.values()]
  }

  /** Puts bytes into a queue as a foreign program might, where that queue is shared: what cannot be decoded gets parked. */
  addBytes(queue: string, bytes: Uint8Array): void {
    this.#state.queues.addBytes(queue, bytes)
  }

  #submitOne(task: NewTask, now: number): Result<SubmitAnswer> {
    const { ledger, queues } = this.#state
    const present = ledger.get(task.id)
    if (present) return present.task.incarnation === task.incarnation ? CREATED : EXISTS
    if (task.maxQueued !== undefined && queues.size(task.queue) >= task.maxQueued) {
      return { ok: false, error: new QueueFullError(task.queue, task.maxQueued) }
    }
    const entry = ledger.add(newRecord(task, now), task.args)
    this.#state.enqueue(entry)
    this.#state.publish(entry)
    return CREATED
  }
}

/** A broker that keeps everything in this process. */
export function createMemoryBroker(options?: MemoryBrokerOptions): MemoryBroker {
  return new MemoryBroker(options)
}

/** How `memory:` becomes a broker. */
export const memoryAdapter: BrokerAdapter = {
  name: 'memory',
  schemes: ['memory'],
  create: ({ url: _url, ...options }) => new MemoryBroker(options),
}

/** The record of a task that was just accepted. */
export function newRecord(task: NewTask, now: number): Task {
  const runAt = Math.max(task.runAt ?? 0, now + (task.delay ?? 0))
  return {
    schema: 1,
    id: task.id,
    name: task.name,
    group: task.group,
    queue: task.queue,
    ...(task.parentId !== undefined && { parentId: task.parentId }),
    ...(task.headers !== undefined && { headers: task.headers }),
    state: 'QUEUED',
    progress: 0,
    attempt: 0,
    failures: 0,
    crashes: 0,
    maxRetries: task.maxRetries,
    maxCrashes: task.maxCrashes,
    createdAt: now,
    ...(runAt > now && { runAt }),
    version: 1,
    incarnation: task.incarnation,
  }
}
