import type { BrokerHealth } from '../broker/health.ts'
import type { Duration } from '../duration.ts'
import type { BrokerCapabilities } from '../broker/capabilities.ts'
import type { CancelAnswer, RemoveAnswer, ParkedStore, TaskCounts, TaskCursor } from '../broker/broker.ts'
import type { AnyTaskDefinition, TaskDefinition } from '../tasks/task-definition.ts'
import type { AppDescription } from '../app/app-description.ts'
import type { TaskEvent } from '../events.ts'
import type { AttemptError, StoredState, Task, TaskHeaders } from '../tasks/task.ts'

/** The args a caller passes for a definition, and the result it reads. */
export type ArgsOf<Definition extends AnyTaskDefinition> = NonNullable<Definition['types']>['args']
/** What a caller reads of a definition. */
export type ResultOf<Definition extends AnyTaskDefinition> = NonNullable<Definition['types']>['result']
/** The definition of a name among those of an App. */
export type Named<Tasks extends AnyTaskDefinition, Name extends string> = string extends Tasks['name']
  ? Tasks
  : Extract<Tasks, { readonly name: Name }>

/** How a task is created. All of it is optional. */
export interface CreateOptions {
  /** Default: a random one. Creating again with the id of a task that is kept creates nothing and gives that task. */
  readonly id?: string
  /** Start no sooner than this long from now, by the broker's clock. */
  readonly delay?: Duration
  /** Start no sooner than this time, by this machine's clock. */
  readonly runAt?: Date | number
  readonly parentId?: string
  /** Instead of the definition's. Needed only where neither an App nor a worker has made the definition known. */
  readonly group?: string
  readonly maxRetries?: number
  readonly headers?: TaskHeaders
}

/** One of many tasks to create at once. */
export type TaskRequest<Tasks extends AnyTaskDefinition = TaskDefinition> = Tasks extends AnyTaskDefinition
  ? CreateOptions & { readonly name: Tasks['name']; readonly args: ArgsOf<Tasks> }
  : never

/** Creates, watches, cancels, retries and reads tasks. It keeps nothing that cannot be rebuilt: run as many as you like. */
export interface TaskManager<Tasks extends AnyTaskDefinition = TaskDefinition> extends AsyncDisposable {
  /** What the broker can do. */
  readonly capabilities: BrokerCapabilities
  /**
   * Creates a task; resolves when the broker has durably accepted it. While the broker is away it is sent again, ten seconds long unless
   * `patience` says otherwise. Before anything is sent it throws `InvalidArgumentsError`
   * (where the definition is known here), `PayloadTooLargeError`, `NotSerializableError` or `UnregisteredTaskError`; the broker may answer
   * `QueueFullError`.
   */
  create<const Name extends Tasks['name']>(
    name: Name,
    args: ArgsOf<Named<Tasks, Name>>,
    options?: CreateOptions,
  ): Promise<TaskHandle<ResultOf<Named<Tasks, Name>>>>
  /** Creates a task of a definition: args and result are known also where the manager's App is not. */
  create<Definition extends AnyTaskDefinition>(
    definition: Definition,
    args: ArgsOf<Definition>,
    options?: CreateOptions,
  ): Promise<TaskHandle<ResultOf<Definition>>>
  /** Creates many at once, in one go. Throws a `CreateFailedError` that holds an answer per task when one of them was refused. */
  create<const Requests extends readonly TaskRequest<Tasks>[]>(requests: Requests): Promise<HandlesOf<Tasks, Requests>>
  /** A handle on a task by its id. Nothing is read; calls on it throw `UnknownTaskError` if there is none. */
  task(id: string): TaskHandle
  /** The task as it is now, without args and result; undefined where there is none. */
  get(id: string): Promise<Task | undefined>
  /** A page of tasks, newest first. Iterate over {@link TaskManager.listAll} for more. */
  list(query?: ListQuery): Promise<TaskList>
  /** All tasks that match, newest first, a page at a time. */
  listAll(query?: ListQuery): AsyncIterable<Task>
  /** How many tasks are in each state. */
  counts(): Promise<TaskCounts>
  /** Cancels a task: a queued one at once, a running one by firing its signal. With `requeue` a running one goes back to its queue. */
  cancel(id: string, options?: { requeue?: boolean }): Promise<CancelAnswer>
  /** Runs a finished task again, with its retries restored. Throws `TaskActiveError` while it has not ended, `UnknownTaskError` if there is none. */
  retry(id: string): Promise<void>
  /** Removes a finished task and all that is kept of it; its id is free again. */
  remove(id: string): Promise<RemoveAnswer>
  /**
   * Events of all tasks, or of those that match, from the first step of the loop on. After a break it tells by `ResyncEvent`s how the tasks
   * are that it knew not to have ended, up to 10,000, and up to 1,000 that came and went meanwhile.
   */
  watch(filter?: WatchFilter): AsyncIterable<TaskEvent>
  /** The Apps that workers have announced. */
  apps(): Promise<AppDescription[]>
  readonly parked: ParkedStore
  /** Whether the broker answers, and how durable it is. Never rejects. */
  health(): Promise<BrokerHealth>
  /** Ends watches and, if `connect` opened the broker, closes it. Tasks go on. */
  close(): Promise<void>
}

/** The handles of many tasks, each with the result of its own definition. */
export type HandlesOf<Tasks extends AnyTaskDefinition, Requests extends readonly { readonly name: string }[]> = {
  -readonly [Index in keyof Requests]: TaskHandle<ResultOf<Named<Tasks, Requests[Index]['name']>>>
}

/** Which events a watch tells of. Fields that are absent do not restrict. */
export interface WatchFilter {
  readonly name?: string
  readonly group?: string
  readonly parentId?: string
  readonly signal?: AbortSignal
}

/** Which tasks to list. Fields that are absent do not restrict. */
export interface ListQuery {
  readonly state?: StoredState | readonly StoredState[]
  readonly name?: string
  readonly group?: string
  readonly parentId?: string
  /** Tasks to a page, 1 to 1000. Default 100. */
  readonly limit?: number
  readonly cursor?: TaskCursor
}

/** A page that is an array of tasks, with the cursor of the next page if there is one. */
export type TaskList = readonly Task[] & { readonly cursor?: TaskCursor }

/** How long to wait. */
export interface WaitOptions {
  /** Throw a `WaitTimeoutError` after this time; the task goes on. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/** One task, as its creator holds it. All of it works from its id alone: see {@link TaskManager.task}. */
export interface TaskHandle<Result = unknown> {
  readonly id: string
  /** False when `create` found the id taken and created nothing. */
  readonly created: boolean
  /** The task as it is now, without args and result. */
  get(): Promise<Task>
  /** The args it was created with. */
  args(): Promise<unknown>
  /** Waits for the end and gives the result; an outage is waited out. Throws `TaskFailedError` if it ended in ERROR, `TaskCancelledError` if it was cancelled. */
  result(options?: WaitOptions): Promise<Result>
  /** Waits for the end, whatever it is. */
  wait(options?: WaitOptions): Promise<Task>
  /** The failed attempts, oldest first. */
  errors(): Promise<AttemptError[]>
  /**
   * The task as it is now, then what happens to it, up to its end. Nothing is missed between the two, and versions only grow; where events
   * may be missing, a `ResyncEvent` says how the task is. A loop that lags gets the newest event and the final one.
   */
  watch(options?: { signal?: AbortSignal }): AsyncIterable<TaskEvent>
  /** Cancels it: at once while it is queued, by firing its signal while it runs. With `requeue` a running one goes back to its queue. */
  cancel(options?: { requeue?: boolean }): Promise<CancelAnswer>
  /** Runs it again once it has ended. Throws `TaskActiveError` while it has not. */
  retry(): Promise<void>
  /** Removes it and all that is kept of it, once it has ended; its id is free again. */
  remove(): Promise<RemoveAnswer>
}
