import type { Delivery, Settlement } from '@ds/core'
import { afterEach, expect, test } from 'vitest'
import { cleanUp, clientOf, connect, newTask, openConsumer, soon, start } from './ground.ts'

afterEach(cleanUp)

function doneWith({ lease }: Delivery): Settlement {
  return { lease, outcome: { type: 'done', result: '1' } }
}

test('a full memory refuses managers with a clear line, lets workers wait, and loses nothing', async () => {
  const server = await start()
  const client = clientOf(server)
  const broker = await connect({ url: server.url })
  const consumer = await openConsumer(broker)
  await broker.submit([newTask({ id: 'one' }), newTask({ id: 'two' })])
  const [held] = await consumer.receive(1, soon())
  if (!held) throw new Error('nothing was received')

  await client.config('SET', 'maxmemory', '100kb')
  const error: unknown = await broker.submit([newTask()]).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'BrokerMisconfigured' })
  expect(String(error)).toContain('out of memory')
  await expect(consumer.settle([doneWith(held)])).rejects.toMatchObject({ code: 'BrokerUnavailable' })

  await client.config('SET', 'maxmemory', '0')
  expect(await consumer.settle([doneWith(held)])).toEqual([{ ok: true, value: 'applied' }])
  const [next] = await consumer.receive(1, soon())
  expect(next?.task).toMatchObject({ id: 'two', attempt: 1, crashes: 0 })
})

test('with its memory full the server still lets go of finished tasks', async () => {
  const server = await start()
  const client = clientOf(server)
  const broker = await connect({ url: server.url, retention: { count: 10 } })
  const consumer = await openConsumer(broker)
  await broker.submit(Array.from({ length: 100 }, () => newTask()))
  const [first, ...rest] = await consumer.receive(100, soon())
  await consumer.settle(rest.map(doneWith))
  await client.config('SET', 'maxmemory', '100kb')
  await expect.poll(async () => (await broker.counts()).DONE, { timeout: 10_000 }).toBe(10)
  expect((await broker.get([first?.task.id ?? '']))[0]?.state).toBe('RUNNING')
})
