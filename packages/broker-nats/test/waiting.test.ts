import { getEventListeners } from 'node:events'
import { startNats, whyNoServer } from '@ds/broker-testing'
import { expect, test } from 'vitest'
import { createNatsBroker } from '../src/index.ts'

const TASKS = 30

test('a signal collects nothing of the calls that waited with it', async (context) => {
  const reason = await whyNoServer('nats', {})
  context.skip(reason !== undefined, reason)
  const server = await startNats({})
  const broker = createNatsBroker({ url: server.url, namespace: 'waiting' })
  try {
    await broker.connect({ timeout: 15_000 })
    const options = { queues: ['q'], workerId: 'w', lease: 60_000, onCancel: () => undefined }
    const consumer = await broker.openConsumer(options)
    const { signal } = new AbortController()
    for (let index = 0; index < TASKS; index += 1) {
      const waiting = consumer.receive(1, signal)
      const identity = { id: `t${index}`, incarnation: `life ${index}`, name: 'n', group: 'g', queue: 'q' }
      await broker.submit([{ ...identity, args: '{}', maxRetries: 0, maxCrashes: 3 }])
      expect(await waiting).toHaveLength(1)
    }
    expect(getEventListeners(signal, 'abort')).toEqual([])
  } finally {
    await broker.close()
    await server.close()
  }
}, 60_000)
