import type { Broker, Change, Delivery, Outcome, Task, TaskConsumer, TaskError, TaskEventType } from '@ds/core'
import { Redis } from 'ioredis'
import { decodeEvents, encodeKind, encodeToken, encodeWord, STATE_CODES } from '../src/codec.ts'
import { Connection } from '../src/connection.ts'
import { createRedisBroker } from '../src/index.ts'
import { EXCHANGE } from '../src/lua/index.ts'
import { resolveOptions } from '../src/options.ts'
import { topologyOf } from '../src/topology.ts'
import type { Topology } from '../src/topology.ts'

const LETTERS = { CREATED: '?', QUEUED: 'Q', RUNNING: 'R', DONE: 'D', ERROR: 'E', CANCELLED: 'C' } as const

/** What a change made of a task on the server; `event` is absent where it made nothing. */
export interface Applied {
  readonly task: Task
  readonly event?: TaskEventType
  readonly error?: TaskError
}

/** Puts tasks onto a server in any state, applies changes to them through the broker, and reads what became of them. */
export class Applier {
  readonly #topology: Topology
  readonly #connection: Connection
  readonly #client: Redis
  readonly #broker: Broker
  readonly #consumer: TaskConsumer

  private constructor(parts: { url: string; namespace: string; broker: Broker; consumer: TaskConsumer }) {
    const { url, namespace, broker, consumer } = parts
    this.#topology = topologyOf(namespace)
    this.#connection = new Connection(resolveOptions({ url, namespace }), this.#topology.prefix)
    this.#client = new Redis(url)
    this.#broker = broker
    this.#consumer = consumer
  }

  static async open(url: string, namespace: string): Promise<Applier> {
    const broker = createRedisBroker({ url, namespace })
    await broker.connect({ timeout: 10_000 })
    const consumer = await broker.openConsumer({
      queues: ['elsewhere'],
      workerId: 'applier',
      lease: 600_000,
      onCancel: () => undefined,
    })
    const applier = new Applier({ url, namespace, broker, consumer })
    await applier.#connection.open({ timeout: 10_000 })
    return applier
  }

  async close(): Promise<void> {
    await this.#consumer.close()
    await this.#broker.close()
    await this.#connection.close()
    this.#client.disconnect()
  }

  /** The server's clock. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.#client.time()
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }

  /** Writes a task as the scripts would have left it. */
  async put(task: Task): Promise<void> {
    const entry = await this.#place(task)
    const kind = encodeKind({ ...task, args: '' })
    await this.#client.hset(this.#topology.task(task.id), { state: recordOf(task, entry), task: kind, args: '{}' })
    await this.#client.zadd(
      this.#topology.index,
      STATE_CODES[task.state === 'CREATED' ? 'QUEUED' : task.state] + task.createdAt,
      task.id,
    )
  }

  async apply(task: Task, change: Change): Promise<Applied> {
    const before = await this.#lastEvent()
    await this.#send(task, change)
    const [after] = await this.#broker.get([task.id])
    if (!after) throw new Error(`the task ${task.id} is gone`)
    const event = await this.#eventAfter(before)
    return { task: after, ...event }
  }

  async #send(task: Task, change: Change): Promise<void> {
    switch (change.type) {
      case 'claimed':
        return void (await this.#connection.run(EXCHANGE, [0, '0:somebody', 'claim', 10, 1, 1, 0, task.queue]))
      case 'cancel':
        return void (await this.#broker.cancel(task.id, { requeue: change.requeue }))
      case 'retry':
        return void (await this.#broker.retry(task.id, { nonce: `${task.version}` }))
      case 'progress':
        return void (await this.#consumer.renew([
          { lease: await this.#lease(task, change.attempt), progress: change.progress },
        ]))
      default: {
        const lease = await this.#lease(task, change.attempt)
        await this.#consumer.settle([{ lease, outcome: outcomeOf(change) }])
      }
    }
  }

  async #place(task: Task): Promise<string> {
    const { queue, crashes, runAt, id } = task
    if (task.state !== 'QUEUED' && task.state !== 'RUNNING') return '-'
    if (task.state === 'QUEUED' && runAt !== undefined && runAt > (await this.now())) {
      await this.#client.zadd(this.#topology.delayed(queue), runAt, id)
      return '-'
    }
    const stream = crashes > 0 ? this.#topology.suspects(queue) : this.#topology.queue(queue)
    await this.#client.xgroup('CREATE', stream, 'workers', '0', 'MKSTREAM').catch(() => undefined)
    const entry = (await this.#client.xadd(stream, '*', 'id', id)) ?? ''
    if (task.state === 'RUNNING')
      await this.#client.xreadgroup('GROUP', 'workers', '600000:other', 'STREAMS', stream, '>')
    return entry
  }

  /** A lease of an attempt of the task, whether it is the current one or not. */
  async #lease(task: Task, attempt: number): Promise<Delivery['lease']> {
    const record = (await this.#client.hget(this.#topology.task(task.id), 'state')) ?? ''
    const parts = record.split(' ')
    const shown = parts.with(1, 'R').with(2, String(attempt)).join(' ')
    return { id: task.id, attempt, token: encodeToken(shown, task.queue), expiresIn: 600_000 }
  }

  async #lastEvent(): Promise<string> {
    const [newest] = await this.#client.xrevrange(this.#topology.events, '+', '-', 'COUNT', 1)
    return newest?.[0] ?? '0-0'
  }

  async #eventAfter(last: string): Promise<{ event?: TaskEventType; error?: TaskError }> {
    const entries = await this.#client.xrange(this.#topology.events, `(${last}`, '+')
    const told = entries.flatMap(([, fields]) => decodeEvents(fields, 0))
    if (told.length > 1) throw new Error(`one change told of ${told.length} events`)
    const [event] = told
    return event ? { event: event.type, ...(event.error && { error: event.error }) } : {}
  }
}

function recordOf(task: Task, entry: string): string {
  const { attempt, incarnation, createdAt, version, failures, crashes, progress } = task
  const { startedAt = '-', completedAt = '-', runAt = '-', cancelRequested } = task
  const cancel = cancelRequested ? (cancelRequested.requeue ? 'r' : 'c') : '-'
  const head = ['1', LETTERS[task.state], attempt, encodeWord(incarnation), 'claim', entry]
  return [...head, createdAt, version, failures, crashes, progress, startedAt, completedAt, runAt, cancel].join(' ')
}

function outcomeOf(change: Exclude<Change, { type: 'claimed' | 'cancel' | 'retry' | 'progress' }>): Outcome {
  if (change.type === 'done') return { type: 'done', result: '"well"' }
  if (change.type !== 'failed') return { type: change.type }
  const { error, retryAt, at, maxRetries } = change
  if (retryAt === undefined) return { type: 'error', error }
  return { type: 'retry', error, delay: retryAt - at, ...(maxRetries !== undefined && { maxRetries }) }
}
