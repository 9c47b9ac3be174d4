import type { Broker } from '@ds/core'
import type { CloserRole } from './program-options.ts'
import { say } from './say.ts'

/** Opens everything that holds sockets and timers, and closes it when it is told to, whatever has become of the server. */
export async function playCloser(broker: Broker, queue: string, { timeout }: CloserRole): Promise<void> {
  const told = new Promise<void>((resolve) => process.once('message', () => resolve()))
  process.channel?.ref()
  const connected = await broker.connect({ timeout }).then(
    () => true,
    () => false,
  )
  const waiting = connected ? await openAll(broker, queue) : []
  say(connected ? 'ready' : 'unavailable')
  await told
  await broker.close()
  await Promise.allSettled(waiting)
  process.channel?.unref()
  say('closed')
}

async function openAll(broker: Broker, queue: string): Promise<Promise<unknown>[]> {
  const consumer = await broker.openConsumer({ queues: [queue], workerId: 'closer', lease: 10_000, onCancel: () => {} })
  const subscription = await broker.subscribe({}, { signal: new AbortController().signal })
  return [consumer.receive(1, new AbortController().signal), subscription[Symbol.asyncIterator]().next()]
}
