import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { durableOf, namesOf } from '../src/names.ts'
import { administrator, CONSUMER, newTask, open, runOne, startServer } from './steps.ts'

/*
 * Servers before 2.11.11 forget to answer a look that saw a task which then went to another consumer. That takes some luck; a look at what
 * they may not give out yet is left unanswered each time, by all of them.
 */
test('a look that is not answered holds nobody up', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const { consumers } = await jetstreamManager(await administrator(server))
  await consumers.update(namesOf('default').tasks, durableOf('q'), { max_ack_pending: 1 })
  await broker.submit([newTask(), newTask(), newTask()])
  const [held] = await consumer.receive(1, AbortSignal.timeout(5000))
  if (!held) throw new Error('no task was received')
  const started = performance.now()
  expect(await consumer.receive(5, AbortSignal.timeout(500))).toEqual([])
  expect(performance.now() - started).toBeLessThan(1500)
  expect((await broker.health()).checks.filter(({ ok }) => !ok)).toEqual([])
  await consumer.settle([{ lease: held.lease, outcome: { type: 'done', result: '1' } }])
  const before = performance.now()
  await runOne(consumer)
  await runOne(consumer)
  expect(performance.now() - before).toBeLessThan(1500)
}, 60_000)
