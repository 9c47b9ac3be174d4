import type { EventFilter, SubscriptionItem } from '../events.ts'
import type { DsError } from '../errors.ts'
import type { AppDirectory } from '../app/app-description.ts'
import type { AttemptError, Payload, StoredState, Task, TaskError, TaskHeaders } from '../tasks/task.ts'
import type { BrokerCapabilities } from './capabilities.ts'
import type { BrokerHealth } from './health.ts'

/**
 * THE contract. A broker carries tasks and events between managers and workers, and keeps task state, results and errors. It is
 * one object, so that an adapter can make "save the result, take the entry off the queue, tell of it" one atomic step where its
 * server allows it. The comments are the specification: each sentence is a rule that the conformance kit tests.
 *
 * Adapters implement this interface and nothing around it: {@link guardBroker} adds, once for all of them, connect-once,
 * close-once, use after close, abort, and patience over an outage: an adapter rejects with `BrokerUnavailableError` within seconds
 * when its server does not answer, and the guard tries again where the contract says that a call waits: `receive` and `settle` do. All
 * others reject, and what was rejected so may have been carried out. Every call therefore bears being sent twice. The batcher hands adapters whole batches; they never batch by timers of their own.
 *
 * Words: a **delivery** is a task handed to one worker under a **lease**, the right to run it for a time; an **attempt** is the
 * number of a start; to **settle** is to end a delivery. Where "now" decides anything it is the server's clock.
 */
export interface Broker extends TaskQueue, TaskStore, TaskEvents, AppDirectory {
  /** The adapter's short name, as in `redis`. */
  readonly name: string
  /** Where it is connected to, for people: a URL without credentials. */
  readonly address: string
  /** What this server can do. Complete once `connect` has resolved. */
  readonly capabilities: BrokerCapabilities
  /**
   * Reaches the server, creates what is missing there, reads the server's limits and durability. Rejects with
   * `BrokerUnavailableError` when `timeout` (ms) has passed, and at once with a `BrokerRefusedError` or a
   * `BrokerMisconfiguredError` when trying again cannot help.
   */
  connect(options: { timeout: number; signal?: AbortSignal }): Promise<void>
  /** Closes consumers and subscriptions, waits for calls under way, leaves no timer and no socket. What was told "created" stays. */
  close(): Promise<void>
  /** Never rejects, never hangs longer than five seconds. An empty poll is progress: an idle broker is healthy. */
  health(): Promise<BrokerHealth>
}

/** An answer about one item of a batch: one bad item does not fail its neighbours. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: DsError }

/** The queue as managers see it. */
export interface TaskQueue {
  /**
   * Durably accepts tasks: when it resolves with `created`, a kill of any process, the server included, loses nothing. Idempotent
   * by id while the record is kept: of racing submits of one id exactly one is `created`, the others are `exists` and change
   * nothing; the one that is sent again with the same `incarnation` is answered `created` again. A new task over its queue's limit
   * is answered with a `QueueFullError`. Answers are in the order of the tasks.
   */
  submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]>
  /** Joins the workers of these queues. */
  openConsumer(options: ConsumerOptions): Promise<TaskConsumer>
  /**
   * Cancels a task: a queued or delayed one is CANCELLED at once and never started (with `requeue` it just stays); of a running
   * one the cancel is recorded durably and broadcast to its worker. Cancel and claim, and cancel and settle, are ordered by the
   * store: one of them wins. A second cancel replaces the first.
   */
  cancel(id: string, options: { requeue: boolean }): Promise<CancelAnswer>
  /**
   * Runs a finished task again, with its retries restored; its attempt goes on counting, its result is dropped. `nonce` is drawn by
   * core for each retry: the same one sent again is answered `queued` again and changes nothing.
   */
  retry(id: string, options: { nonce: string }): Promise<RetryAnswer>
}

/** `exists`: the id was taken, and nothing was changed. */
export type SubmitAnswer = 'created' | 'exists'
/**
 * `cancelled`: it is CANCELLED, by this call or one before; `requested`: it runs and will hear of it; `queued`: it waits in its queue
 * already, as `requeue` asks; `finished`: it had ended in DONE or ERROR.
 */
export type CancelAnswer = 'cancelled' | 'requested' | 'queued' | 'finished' | 'unknown'
/** `active`: it has not ended, so there is nothing to run again. */
export type RetryAnswer = 'queued' | 'active' | 'unknown'
/** `active`: it has not ended, so it stays. */
export type RemoveAnswer = 'removed' | 'active' | 'unknown'

/** A task as a manager asks for it. Core has checked its names and limits. */
export interface NewTask {
  readonly id: string
  /** The id was drawn for this submission, by `drawTaskId`: no other task has it, so that a broker need not look for one. */
  readonly uniqueId?: true
  /** Drawn by core for this submission: tells a repeated one from another of the same id, and becomes `Task.incarnation`. */
  readonly incarnation: string
  readonly name: string
  readonly group: string
  /** `[a-z0-9-]{1,64}`. */
  readonly queue: string
  readonly args: Payload
  readonly maxRetries: number
  readonly maxCrashes: number
  readonly parentId?: string
  readonly headers?: TaskHeaders
  /** Start no sooner than this many milliseconds from now. With `runAt` too, the later one counts. */
  readonly delay?: number
  /** Start no sooner than this time (ms since 1970, by the caller's clock). */
  readonly runAt?: number
  /**
   * Refuse the task when this many already wait in its queue; delayed ones may or may not count. Soft: what racing submitters hold
   * may pass it. Refused with a `NotSupportedError` where `capabilities.queueLimit` is false.
   */
  readonly maxQueued?: number
}

/** How a worker joins the workers of its queues. */
export interface ConsumerOptions {
  /** Opaque names, `[a-z0-9-]{1,64}`. Of what is due and at hand, the earlier ones are handed out first. */
  readonly queues: readonly string[]
  /** Unique among the workers that live. For people and for the server's own lists; it decides nothing. */
  readonly workerId: string
  /**
   * How long a delivery is asked to stay this worker's without a renewal, in milliseconds. Workers of one queue should ask for the
   * same: where the server keeps one per queue, the longest counts while anybody is there. `Lease.expiresIn` says what was given.
   */
  readonly lease: number
  /** Called when a cancel of a delivery held here is broadcast. May be lost or come twice: renewals tell of it too. Must not throw. */
  readonly onCancel: (notice: CancelNotice) => void
}

/** The news that a delivery is to be cancelled. */
export interface CancelNotice {
  readonly taskId: string
  /** The attempt that was flagged. A worker that holds another one ignores the notice: it came late. */
  readonly attempt: number
  readonly requeue: boolean
}

/**
 * What a worker holds: its membership, buffers and leases. One `receive` at a time; `renew` and `settle` may overlap it and each
 * other, and `settle` and `receive` called in one tick travel together. Over an outage `receive` and `settle` wait and go on by
 * themselves; `renew` rejects, and the worker's next one goes on.
 */
export interface TaskConsumer {
  /**
   * Waits for at least one due task and claims at most `max`. What it returns is RUNNING with its attempt counted, durably, before
   * it returns. Each task goes to one worker. Cancelled and finished ones are dropped inside. A consumer never holds more than one
   * task with `crashes > 0`, so that a task that kills its worker takes no second one with it twice. An outage is waited out;
   * abort resolves with what is claimed by then, possibly nothing; rejects only when closed or when going on cannot help. What was
   * claimed by a call whose answer was lost is handed out by the next one, under the same attempt.
   */
  receive(max: number, signal: AbortSignal): Promise<Delivery[]>
  /**
   * Makes leases last again for their full time. `lost`: the lease ran out and the task is no longer this worker's. Progress
   * travels with the renewal, fenced by its attempt. Answers are in the order of the items.
   */
  renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]>
  /**
   * Ends deliveries: the outcome is stored before the queue entry goes. `applied`: it stands. `superseded`: the attempt is no longer the
   * current one, nothing changed. `recorded`, only where `capabilities.settlement` says so: durable, and the log decides. Settling
   * twice has no effect the second time, whose answer is `applied` or `superseded`.
   */
  settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]>
  /** Stops receiving and gives back what is claimed and was not handed out. Leases that are held go on. */
  drain(): Promise<void>
  /** Leaves. What is still held runs out with its lease. */
  close(): Promise<void>
}

/** A task handed to one worker. */
export interface Delivery {
  /** As it is after the claim: `state` RUNNING, `attempt` this start's number. */
  readonly task: Task
  readonly args: Payload
  readonly lease: Lease
  /** The error of the attempt before, if it failed. */
  readonly previousError?: TaskError
}

/** The right to run a delivery, for a time. */
export interface Lease {
  /** The task's id. */
  readonly id: string
  readonly attempt: number
  /** Opaque. With the attempt it names the claim and the life of the record: a task that was removed and submitted again is safe from its former life. */
  readonly token: string
  /** Milliseconds the lease had left when it was given: renew by this, not by what was asked for. */
  readonly expiresIn: number
}

/** A lease to be made longer, with how far its task is. */
export interface Renewal {
  readonly lease: Lease
  /** 0 to 1. */
  readonly progress?: number
}

/** What became of a lease, and whether its task is to be cancelled. */
export type RenewAnswer =
  { readonly status: 'held'; readonly cancel?: { readonly requeue: boolean } } | { readonly status: 'lost' }

/** A delivery that ends. */
export interface Settlement {
  readonly lease: Lease
  readonly outcome: Outcome
}

/** How a delivery ended, as its worker says. */
export type Outcome =
  | { readonly type: 'done'; readonly result: Payload }
  /** Runs again after `delay` (ms) while retries are left, by the task's own count or by `maxRetries`; else ends in ERROR. */
  | { readonly type: 'retry'; readonly error: TaskError; readonly delay: number; readonly maxRetries?: number }
  /** Ends in ERROR. */
  | { readonly type: 'error'; readonly error: TaskError }
  | { readonly type: 'cancelled' }
  /** Given back: to be run elsewhere at once, held against nobody. */
  | { readonly type: 'released' }
  /** The thread or process that ran it died: a crash of this task alone. */
  | { readonly type: 'lost' }

/** What became of an outcome: see {@link TaskConsumer.settle}. */
export type SettleAnswer = 'applied' | 'superseded' | 'recorded'

/** State, results and errors. A manager reads its own writes here. */
export interface TaskStore {
  /**
   * In the order of the ids; undefined where there is none. Never waits for a view of everything. A record that cannot be decoded is
   * parked: there is no such task any more, and its id is free.
   */
  get(ids: readonly string[]): Promise<(Task | undefined)[]>
  /**
   * Newest first by (createdAt, id), ids compared by their bytes. A task that matches throughout appears exactly once over the
   * pages. Pages may be short or empty: only a missing cursor is the end.
   */
  list(query: TaskQuery): Promise<TaskPage>
  /** How many tasks are in each state. */
  counts(): Promise<TaskCounts>
  /** The args of a task, whatever its state; undefined for an unknown id. */
  args(id: string): Promise<Payload | undefined>
  /** Of a DONE task; undefined for any other. */
  result(id: string): Promise<Payload | undefined>
  /** The last 20 failed attempts, oldest first. Empty for an unknown id. */
  errors(id: string): Promise<AttemptError[]>
  /** Removes a finished task and all that is kept of it; its id is free again. */
  remove(id: string): Promise<RemoveAnswer>
  /** What could not be decoded. It never stops a worker and never disappears by itself. */
  readonly parked: ParkedStore
}

/** Which tasks to list. Fields that are absent do not restrict. */
export interface TaskQuery {
  readonly states?: readonly StoredState[]
  readonly name?: string
  readonly group?: string
  readonly parentId?: string
  /** Tasks to a page, 1 to 1000. */
  readonly limit: number
  /** Where the page before ended. */
  readonly cursor?: TaskCursor
}

/** Where a page ended: the last task looked at, which need not be one of the page. */
export interface TaskCursor {
  readonly createdAt: number
  readonly id: string
}

/** A page of tasks. */
export interface TaskPage {
  readonly tasks: readonly Task[]
  /** Absent on the last page. */
  readonly cursor?: TaskCursor
}

/** Tasks by state, and how many of the QUEUED ones wait for a delay or a retry. */
export type TaskCounts = Readonly<Record<StoredState, number>> & { readonly delayed: number }

/** Where bytes are kept that could not be decoded. */
export interface ParkedStore {
  /** A page of what is parked. */
  list(options: { limit: number; cursor?: string }): Promise<{ items: readonly ParkedItem[]; cursor?: string }>
  /** The bytes themselves; undefined where there are none of that id. */
  read(id: string): Promise<Uint8Array | undefined>
  /** Throws it away. */
  remove(id: string): Promise<boolean>
  /** Puts it back where it came from, to be tried again. */
  replay(id: string): Promise<boolean>
}

/** Bytes that could not be decoded, without the bytes. */
export interface ParkedItem {
  readonly id: string
  /** The queue or store it was found in. */
  readonly source: string
  readonly reason: string
  readonly parkedAt: number
  readonly size: number
}

/** What happens to tasks, as it happens. */
export interface TaskEvents {
  /**
   * Live events, from the moment it resolves. Of one task they come in order with growing versions, and the final one comes at least
   * once; earlier ones are merged for a slow reader, whose buffer is bounded. Where events may be missing, the final one included,
   * it yields `RESYNC` in their place: after it `get` tells. Ends by the signal or with the broker.
   */
  subscribe(filter: EventFilter, options: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>>
}
