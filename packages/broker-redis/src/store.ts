import type {
  AppDescription,
  AttemptError,
  Payload,
  ParkedItem,
  ParkedStore,
  RemoveAnswer,
  Task,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from '@ds/core'
import { decodeTask, STATE_CODES, timeOf, UndecodableError } from './codec.ts'
import type { StoredTask } from './codec.ts'
import type { Connection } from './connection.ts'
import { COUNTS, LIST, PARK, REMOVE, REPLAY } from './lua/index.ts'
import type { Topology } from './topology.ts'

/** Members of an index that one page looks at, at most: a rare task among a million must not hold up the server. */
const LOOKS_PER_PAGE = 2000

/** State, results and errors. */
export class RedisStore {
  readonly parked: ParkedStore
  readonly #connection: Connection
  readonly #topology: Topology

  constructor(connection: Connection, topology: Topology) {
    this.#connection = connection
    this.#topology = topology
    this.parked = new RedisParked(connection, topology)
  }

  get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return Promise.all(ids.map((id) => this.#getOne(id)))
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    const answer = (await this.#connection.run(LIST, listArguments(query))) as [number, string, string, ...string[]]
    const [more, createdAt, id] = answer
    const tasks: Task[] = []
    for (let at = 3; at < answer.length; at += 4) {
      const [taskId = '', record = '', kind = '', headers = ''] = answer.slice(at, at + 4) as string[]
      const task = await this.#decode({ id: taskId, record, kind, headers })
      if (task) tasks.push(task)
    }
    return more === 1 ? { tasks, cursor: { createdAt: Number(createdAt), id } } : { tasks }
  }

  async counts(): Promise<TaskCounts> {
    const [QUEUED = 0, RUNNING = 0, DONE = 0, ERROR = 0, CANCELLED = 0, delayed = 0] = (await this.#connection.run(
      COUNTS,
      [],
    )) as number[]
    return { QUEUED, RUNNING, DONE, ERROR, CANCELLED, delayed }
  }

  args(id: string): Promise<Payload | undefined> {
    return this.#field(id, 'args')
  }

  result(id: string): Promise<Payload | undefined> {
    return this.#field(id, 'result')
  }

  async errors(id: string): Promise<AttemptError[]> {
    const errors = (await this.#connection.call('lrange', this.#topology.errors(id), 0, -1)) as string[]
    return errors.map((error) => JSON.parse(error) as AttemptError)
  }

  async remove(id: string): Promise<RemoveAnswer> {
    return (await this.#connection.run(REMOVE, [id])) as RemoveAnswer
  }

  async announce(app: AppDescription): Promise<void> {
    await this.#connection.call('hset', this.#topology.apps, app.name, JSON.stringify(app))
  }

  async apps(): Promise<AppDescription[]> {
    const apps = (await this.#connection.call('hvals', this.#topology.apps)) as string[]
    return apps.flatMap((app) => decodeApp(app) ?? [])
  }

  async #getOne(id: string): Promise<Task | undefined> {
    const key = this.#topology.task(id)
    const found = (await this.#connection.call('hmget', key, 'state', 'task', 'headers')) as (string | null)[]
    const [record, kind, headers] = found
    if (record === null && kind === null) return undefined
    return this.#decode({ id, record: record ?? '', kind: kind ?? '', headers: headers ?? '' })
  }

  async #field(id: string, field: string): Promise<Payload | undefined> {
    const value = (await this.#connection.call('hget', this.#topology.task(id), field)) as string | null
    return value ?? undefined
  }

  /** A record that cannot be decoded is parked: there is no such task any more. */
  async #decode(stored: StoredTask): Promise<Task | undefined> {
    try {
      return decodeTask(stored)
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error
      await this.#connection.run(PARK, [stored.id, stored.record, error.message])
      return undefined
    }
  }
}

function listArguments({ limit, cursor, states, name, group, parentId }: TaskQuery): (string | number)[] {
  const sets = [
    ...(name === undefined ? [] : [`name:${name}`]),
    ...(group === undefined ? [] : [`group:${group}`]),
    ...(parentId === undefined ? [] : [`parent:${parentId}`]),
  ]
  const codes = states?.map((state) => STATE_CODES[state]).join('') ?? ''
  // No state at all is asked for: a code that none has.
  const asked = states?.length === 0 ? '0' : codes
  return [limit, LOOKS_PER_PAGE, cursor?.createdAt ?? '', cursor?.id ?? '', asked, ...sets]
}

function decodeApp(text: string): AppDescription | undefined {
  try {
    const app = JSON.parse(text) as AppDescription
    return app.schema === 1 ? app : undefined
  } catch {
    return undefined
  }
}

/** Fields of a parked item before those that are kept as they were found. */
const ITEM_FIELDS = 10

/** What could not be decoded, as a stream: see `lua/parking.ts`. */
class RedisParked implements ParkedStore {
  readonly #connection: Connection
  readonly #key: string

  constructor(connection: Connection, topology: Topology) {
    this.#connection = connection
    this.#key = topology.parked
  }

  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<{ items: ParkedItem[]; cursor?: string }> {
    const from = cursor === undefined ? '-' : `(${cursor}`
    const entries = (await this.#connection.call('xrange', this.#key, from, '+', 'COUNT', limit + 1)) as Entry[]
    const items = entries.slice(0, limit).map(itemOf)
    const last = items.at(-1)
    return entries.length > limit && last ? { items, cursor: last.id } : { items }
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    if (!isEntryId(id)) return undefined
    const found = (await this.#connection.callBuffer('xrange', this.#key, id, id)) as [Buffer, Buffer[]][]
    const fields = found[0]?.[1].slice(ITEM_FIELDS)
    return fields && bytesOf(fields)
  }

  async remove(id: string): Promise<boolean> {
    return isEntryId(id) && (await this.#connection.call('xdel', this.#key, id)) === 1
  }

  async replay(id: string): Promise<boolean> {
    return isEntryId(id) && (await this.#connection.run(REPLAY, [id])) === 1
  }
}

type Entry = [id: string, fields: string[]]

function itemOf([id, fields]: Entry): ParkedItem {
  const [, source = '', , , , , , reason = '', , size] = fields
  return { id, source, reason, parkedAt: timeOf(id), size: Number(size) }
}

function isEntryId(id: string): boolean {
  return /^\d+-\d+$/.test(id)
}

/** One field is shown as its value, more of them as lines. */
function bytesOf(fields: readonly Buffer[]): Buffer {
  const [, value] = fields
  if (fields.length === 2 && value) return value
  const lines = fields.map((field, index) => Buffer.concat([field, Buffer.from(index % 2 === 0 ? '=' : '\n')]))
  return Buffer.concat(lines)
}
