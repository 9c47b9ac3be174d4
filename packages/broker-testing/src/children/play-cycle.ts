import { randomUUID } from 'node:crypto'
import type { Broker, NewTask } from '@ds/core'
import { say } from './say.ts'

/** Uses what holds sockets and timers once, leaves some of it open, and closes the broker. */
export async function playCycle(broker: Broker, queue: string): Promise<void> {
  const consumer = await broker.openConsumer({ queues: [queue], workerId: 'cycle', lease: 10_000, onCancel: () => {} })
  const subscription = await broker.subscribe({}, { signal: new AbortController().signal })
  const event = subscription[Symbol.asyncIterator]().next()
  await broker.submit([taskOf(queue), { ...taskOf(queue), delay: 3_600_000 }])
  const [delivery] = await consumer.receive(1, AbortSignal.timeout(20_000))
  if (!delivery) throw new Error('The task did not come')
  await consumer.renew([{ lease: delivery.lease, progress: 0.5 }])
  await consumer.settle([{ lease: delivery.lease, outcome: { type: 'done', result: '1' } }])
  await event
  const waiting = consumer.receive(1, new AbortController().signal).catch(() => [])
  await broker.close()
  await waiting
  say('closed')
}

function taskOf(queue: string): NewTask {
  const identity = { id: randomUUID(), incarnation: randomUUID(), name: 'kit.task', group: 'kit' }
  return { ...identity, queue, args: '{}', maxRetries: 3, maxCrashes: 3 }
}
