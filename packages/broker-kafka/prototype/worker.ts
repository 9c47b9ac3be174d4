import type { Delivery, TaskConsumer } from '@ds/core'
import { resolveOptions } from '../src/options.ts'
import { createKafkaPort } from '../src/port/kafkajs-port.ts'
import type { LogPort, Tail, TailOptions } from '../src/port/log-port.ts'
import { Session } from '../src/session.ts'
import { topicSettings, topologyOf } from '../src/topology.ts'

/**
 * One of the eight: takes tasks, holds each for as long as its args say, and tells of every start, outcome and cancel on a line of its
 * own. At the end of its input it closes in good order and says how many records of the state topic it has read.
 */
const [url = '', namespace = '', concurrency = '10', lease = '5000'] = process.argv.slice(2)
const options = resolveOptions({ url })
const topology = topologyOf(namespace, options.partitions)
let read = 0

const port = createKafkaPort(options.connection)
await port.connect()
await port.ensureTopics(topicSettings(topology, { ...options }))
const session = new Session({ port: counting(port), topology, retention: undefined })
await session.open()
const cancelled = new Map<string, () => void>()
const consumer = await session.openConsumer({
  queues: ['work'],
  workerId: `worker-${process.pid}`,
  lease: Number(lease),
  onCancel: ({ taskId }) => cancelled.get(taskId)?.(),
})
const held = new Map<string, Delivery>()
const over = new AbortController()
say('ready', '')
const renewing = setInterval(() => void renew(consumer).catch(() => undefined), Number(lease) / 3)
const loop = receiveAll(consumer)
process.stdin.resume()
process.stdin.once('end', () => void close())

async function receiveAll(from: TaskConsumer): Promise<void> {
  while (!over.signal.aborted) {
    const free = Number(concurrency) - held.size
    if (free > 0) for (const delivery of await from.receive(free, over.signal)) void run(from, delivery)
    else await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function run(from: TaskConsumer, delivery: Delivery): Promise<void> {
  const { id, attempt, incarnation } = delivery.task
  held.set(id, delivery)
  say('start', `${id} ${attempt} ${incarnation}`)
  const aborted = new Promise<boolean>((resolve) => cancelled.set(id, () => resolve(true)))
  const time = Number(JSON.parse(delivery.args))
  const wasCancelled = time > 0 && (await Promise.race([aborted, later(time)]))
  cancelled.delete(id)
  const outcome = wasCancelled ? ({ type: 'cancelled' } as const) : ({ type: 'done', result: `${attempt}` } as const)
  const [answer] = await from.settle([{ lease: delivery.lease, outcome }])
  held.delete(id)
  say('settled', `${id} ${attempt} ${outcome.type} ${answer?.ok ? answer.value : answer?.error.code}`)
}

async function renew(from: TaskConsumer): Promise<void> {
  if (held.size > 0) await from.renew([...held.values()].map((delivery) => ({ lease: delivery.lease })))
}

async function close(): Promise<void> {
  over.abort()
  await loop
  while (held.size > 0) await later(10)
  clearInterval(renewing)
  await session.close()
  say('read', String(read))
  process.exit(0)
}

function counting(inner: LogPort): LogPort {
  return new Proxy(inner, {
    get(target, name): unknown {
      if (name === 'tail') return (tail: TailOptions): Promise<Tail> => target.tail(counted(tail))
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function counted(tail: TailOptions): TailOptions {
  if (tail.topic !== topology.state) return tail
  return {
    ...tail,
    onBatch: (batch) => {
      read += batch.entries.length
      tail.onBatch(batch)
    },
  }
}

function later(milliseconds: number): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, false))
}

function say(what: string, rest: string): void {
  process.stdout.write(`${what} ${rest}\n`)
}
