import { randomUUID } from 'node:crypto'
import type { Broker, StoredState } from '@ds/core'
import type { CaseContext } from '../../case-context.ts'
import { check, equal } from '../../check.ts'
import { DONE, openConsumer, receiveOne, runningTask, settle } from '../../consuming.ts'
import { onlyOutage } from '../../fault-run.ts'
import type { TcpProxy } from '../../faults/tcp-proxy.ts'
import { getTask, newTask, submitOne, untilState } from '../../submitting.ts'

interface Line {
  readonly proxy: TcpProxy
  /** Through the proxy. */
  readonly broker: Broker
  /** Past it, where the target can. */
  readonly witness: Broker
}

async function lineOf(context: CaseContext): Promise<Line> {
  const { proxy, url } = await context.server({ proxied: true })
  if (!proxy) return context.skip('the server was not started behind a proxy')
  const broker = await context.open({ url })
  return { proxy, broker, witness: await context.open({ url }) }
}

/** Runs a call whose answer is lost: the request passes, and every connection is cut at the first byte that comes back. */
async function losingTheAnswer<Answer>(line: Line, call: () => Promise<Answer>): Promise<Answer | undefined> {
  const cut = line.proxy.cutAfter({ direction: 'toClient', bytes: 0 })
  const answer = await call().catch((error: unknown) => {
    onlyOutage(error)
    return undefined
  })
  await line.proxy.heal()
  await cut
  return answer
}

const ROUNDS = 8

export async function submitAnswerLost(context: CaseContext): Promise<void> {
  const line = await lineOf(context)
  for (let round = 0; round < ROUNDS; round++) {
    const task = newTask(context)
    await losingTheAnswer(line, () => line.broker.submit([task]))
    const answer = await context.until(
      'the repeated submit to be answered',
      async () => (await line.broker.submit([task]))[0],
    )
    equal(answer, { ok: true, value: 'created' }, 'the answer to a submit that is sent again')
  }
  await untilCounted(context, line.witness, 'QUEUED')
  const consumer = await openConsumer(context, line.broker)
  for (let round = 0; round < ROUNDS; round++) await settle(consumer, await receiveOne(context, consumer), DONE)
  await untilCounted(context, line.witness, 'DONE')
}

/** A task too many would be seen in the time that is given to see all. */
async function untilCounted(context: CaseContext, witness: Broker, state: StoredState): Promise<void> {
  await context.watchFor(context.capabilities.readLag)
  const counted = async (): Promise<number> => (await witness.counts())[state]
  await context.until(`${ROUNDS} tasks to be ${state}`, async () => (await counted()) >= ROUNDS)
  equal(await counted(), ROUNDS, `the tasks that are ${state}`)
}

export async function receiveAnswerLost(context: CaseContext): Promise<void> {
  const line = await lineOf(context)
  const consumer = await openConsumer(context, line.broker, { lease: 60_000 })
  for (let round = 0; round < ROUNDS; round++) {
    const { id } = await context.until('a submit', () => submitOne(context, line.witness))
    const receiving = losingTheAnswer(line, () => receiveOne(context, consumer))
    const delivery = await context.soon('receive to go on', receiving, context.tolerances.recovery)
    equal(
      [delivery?.task.id, delivery?.lease.attempt],
      [id, 1],
      'the task that was claimed by a call whose answer was lost',
    )
    if (!delivery) return
    await context.soon('its settlement', settle(consumer, delivery, DONE))
    const { crashes, attempt } = await untilState(context, line.witness, { id, state: 'DONE' })
    equal([crashes, attempt], [0, 1], 'its crashes and attempt')
  }
}

export async function settleAnswerLost(context: CaseContext): Promise<void> {
  const line = await lineOf(context)
  for (let round = 0; round < ROUNDS; round++) {
    const running = await context.until('a running task', () =>
      runningTask(context, line.broker, { consumer: { lease: 60_000 } }),
    )
    const outcome =
      round % 2 ? DONE : ({ type: 'retry', delay: 60_000, error: { name: 'E', message: 'm', stacktrace: [] } } as const)
    const settling = losingTheAnswer(line, () => settle(running.consumer, running.delivery, outcome))
    const answer = await context.soon('settle to go on', settling, context.tolerances.recovery)
    check(answer !== undefined, 'settle was not answered')
    const state = round % 2 ? 'DONE' : 'QUEUED'
    const task = await context.until(`the outcome to be read as ${state}`, async () => {
      const found = await getTask(line.witness, running.task.id)
      // It was QUEUED before it was claimed too.
      return found.state === state && found.attempt > 0 && found
    })
    equal(
      [task.attempt, task.failures],
      [1, round % 2 ? 0 : 1],
      'attempt and failures after an outcome that was sent twice',
    )
    equal((await line.witness.errors(task.id)).length, round % 2 ? 0 : 1, 'its errors')
    await running.consumer.close()
  }
}

export async function retryAnswerLost(context: CaseContext): Promise<void> {
  const line = await lineOf(context)
  for (let round = 1; round <= ROUNDS; round++) {
    const running = await context.until('a running task', () => runningTask(context, line.broker))
    const { id } = running.task
    await settle(running.consumer, running.delivery, DONE)
    await untilState(context, line.broker, { id, state: 'DONE' })
    const nonce = randomUUID()
    await losingTheAnswer(line, () => line.broker.retry(id, { nonce }))
    const again = await context.until('the repeated retry to be answered', () => line.broker.retry(id, { nonce }))
    equal(again, 'queued', 'the answer to a retry that is sent again')
    const second = await receiveOne(context, running.consumer)
    equal([second.task.id, second.lease.attempt], [id, 2], 'the attempt after a retry that was sent twice')
    await settle(running.consumer, second, DONE)
    await running.consumer.close()
  }
}

export async function cancelAnswerLost(context: CaseContext): Promise<void> {
  const line = await lineOf(context)
  for (let round = 0; round < ROUNDS; round++) {
    const { id } = await context.until('a submit', () => submitOne(context, line.witness))
    await losingTheAnswer(line, () => line.broker.cancel(id, { requeue: false }))
    const answer = await context.until('the repeated cancel to be answered', () =>
      line.broker.cancel(id, { requeue: false }),
    )
    equal(answer, 'cancelled', 'the answer to a cancel that is sent again')
    await untilState(context, line.witness, { id, state: 'CANCELLED' })
  }
}
