import { setTimeout } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { durableOf, namesOf } from '../src/names.ts'
import { administrator, CONSUMER, newTask, open, runOne, startServer } from './steps.ts'

/** Milliseconds. What holds somebody up does so for five seconds at least. */
const SOON = 2500
/** By then a pull that waits has been answered, or is known not to be. */
const WAIT = 7200

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
  await within(SOON, async () => expect(await consumer.receive(5, AbortSignal.timeout(500))).toEqual([]))
  expect((await broker.health()).checks.filter(({ ok }) => !ok)).toEqual([])
  await consumer.settle([{ lease: held.lease, outcome: { type: 'done', result: '1' } }])
  await within(SOON, () => runOne(consumer))
  await within(SOON, () => runOne(consumer))
  await setTimeout(WAIT)
  expect((await broker.health()).checks.filter(({ ok }) => !ok)).toEqual([])
}, 60_000)

test('what comes at once behind such a look is all received', async (context) => {
  const server = await startServer(context)
  const broker = await open(server.url)
  const consumer = await broker.openConsumer(CONSUMER)
  const { consumers } = await jetstreamManager(await administrator(server))
  const allow = (max_ack_pending: number): Promise<unknown> =>
    consumers.update(namesOf('default').tasks, durableOf('q'), { max_ack_pending })
  await allow(1)
  await broker.submit([newTask(), newTask(), newTask(), newTask(), newTask()])
  await consumer.receive(1, AbortSignal.timeout(5000))
  expect(await consumer.receive(5, AbortSignal.timeout(500))).toEqual([])
  await allow(-1)
  // What makes the server look again what it may give out.
  await broker.submit([newTask()])
  for (const _ of [1, 2, 3, 4, 5]) await within(SOON, () => runOne(consumer))
}, 60_000)

async function within(bound: number, step: () => Promise<unknown>): Promise<void> {
  const started = performance.now()
  await step()
  expect(performance.now() - started).toBeLessThan(bound)
}
