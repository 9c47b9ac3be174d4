import type { AppDescription } from '../app/app-description.ts'
import type { Broker, CancelAnswer, ParkedStore, RemoveAnswer, TaskCounts, TaskQuery } from '../broker/broker.ts'
import type { BrokerCapabilities } from '../broker/capabilities.ts'
import { DefaultTaskHandle, eitherSignal } from './default-task-handle.ts'
import { wholeNumber } from '../tasks/define-task.ts'
import { ConfigInvalidError } from '../errors.ts'
import { managerClosed } from '../watching/event-feed.ts'
import type { TaskEvent } from '../events.ts'
import type { BrokerHealth } from '../broker/health.ts'
import type { TaskAsked } from './new-task.ts'
import type { Task } from '../tasks/task.ts'
import type { TaskAccess } from './task-access.ts'
import type { CreationScope, TaskCreator } from './task-creator.ts'
import type { AnyTaskDefinition, TaskDefinition } from '../tasks/task-definition.ts'
import type {
  ArgsOf,
  CreateOptions,
  HandlesOf,
  ListQuery,
  ResultOf,
  TaskHandle,
  TaskList,
  TaskManager,
  TaskRequest,
  WatchFilter,
} from './task-manager.ts'
import type { WaitWrapper } from '../watching/watch.ts'

/** What a manager and its views for running tasks share. */
export interface ManagerParts {
  readonly broker: Broker
  readonly access: TaskAccess
  readonly creator: TaskCreator
  /** Whether closing the manager closes the broker. */
  readonly owned: boolean
  closing: Promise<void> | undefined
}

/** The handler on whose behalf a manager acts. */
export interface ManagerScope {
  /** Parent of every task it creates. */
  readonly parentId?: string
  /** Surrounds each wait for a task. */
  readonly onWait?: WaitWrapper
  /** Ends each wait for a task and each watch. */
  readonly signal?: AbortSignal
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

export class DefaultTaskManager implements TaskManager {
  readonly parts: ManagerParts
  readonly #scope: CreationScope
  /** A view does not end what it shares. */
  readonly #isView: boolean

  constructor(parts: ManagerParts, { parentId, onWait, signal }: ManagerScope = {}, isView = false) {
    this.parts = parts
    this.#scope = { access: parts.access, parentId, onWait, signal }
    this.#isView = isView
  }

  get capabilities(): BrokerCapabilities {
    return this.parts.broker.capabilities
  }

  get parked(): ParkedStore {
    return this.parts.broker.parked
  }

  create<const Name extends string>(name: Name, args: unknown, options?: CreateOptions): Promise<TaskHandle>
  create<Definition extends AnyTaskDefinition>(
    definition: Definition,
    args: ArgsOf<Definition>,
    options?: CreateOptions,
  ): Promise<TaskHandle<ResultOf<Definition>>>
  create<const Requests extends readonly TaskRequest[]>(
    requests: Requests,
  ): Promise<HandlesOf<TaskDefinition, Requests>>
  async create(
    first: string | AnyTaskDefinition | readonly TaskAsked[],
    args?: unknown,
    options?: CreateOptions,
  ): Promise<unknown> {
    const { creator, closing } = this.parts
    if (closing) throw managerClosed()
    if (typeof first === 'string') return creator.create({ ...options, name: first, args }, undefined, this.#scope)
    if ('kind' in first) return creator.create({ ...options, name: first.name, args }, first.options, this.#scope)
    return creator.createAll(first, this.#scope)
  }

  task(id: string): TaskHandle {
    return new DefaultTaskHandle(this.#scope, id, false)
  }

  get(id: string): Promise<Task | undefined> {
    return this.parts.access.get(id)
  }

  async list(query: ListQuery = {}): Promise<TaskList> {
    const page = await this.parts.broker.list(taskQuery(query))
    const tasks = [...page.tasks]
    return page.cursor ? Object.assign(tasks, { cursor: page.cursor }) : tasks
  }

  async *listAll(query: ListQuery = {}): AsyncGenerator<Task, void> {
    let cursor = query.cursor
    do {
      const page: TaskList = await this.list({ ...query, ...(cursor && { cursor }) })
      yield* page
      cursor = page.cursor
    } while (cursor)
  }

  counts(): Promise<TaskCounts> {
    return this.parts.broker.counts()
  }

  cancel(id: string, options?: { requeue?: boolean }): Promise<CancelAnswer> {
    return this.parts.access.cancel(id, options)
  }

  retry(id: string): Promise<void> {
    return this.parts.access.retry(id)
  }

  remove(id: string): Promise<RemoveAnswer> {
    return this.parts.access.remove(id)
  }

  watch({ signal, ...filter }: WatchFilter = {}): AsyncIterable<TaskEvent> {
    return this.parts.access.watchAll(filter, eitherSignal(signal, this.#scope.signal), this.#scope.onWait)
  }

  apps(): Promise<AppDescription[]> {
    return this.parts.broker.apps()
  }

  health(): Promise<BrokerHealth> {
    return this.parts.broker.health()
  }

  close(): Promise<void> {
    if (this.#isView) return Promise.resolve()
    this.parts.closing ??= closeAll(this.parts)
    return this.parts.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function closeAll({ access, creator, broker, owned }: ManagerParts): Promise<void> {
  access.close()
  await creator.close()
  if (owned) await broker.close()
}

function taskQuery({ state, limit = DEFAULT_LIMIT, ...rest }: ListQuery): TaskQuery {
  const states = state === undefined ? undefined : typeof state === 'string' ? [state] : state
  return { ...rest, ...(states && { states }), limit: checkLimit(limit) }
}

function checkLimit(limit: number): number {
  if (wholeNumber('limit', limit, 1) <= MAX_LIMIT) return limit
  throw new ConfigInvalidError(`limit is ${limit}`, { fix: `Give at most ${MAX_LIMIT}, and go on from the cursor` })
}
