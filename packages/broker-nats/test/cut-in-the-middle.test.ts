import { startBehindProxy, whyNoServer } from '@ds/broker-testing'
import { guardBroker } from '@ds/core'
import type { Broker, NewTask } from '@ds/core'
import { expect, test } from 'vitest'
import { createNatsBroker } from '../src/index.ts'

const ROUNDS = 20
const GROUP = 20

function groupOf(round: number): NewTask[] {
  return Array.from({ length: GROUP }, (_, index) => ({
    id: `t${round}-${index}`,
    incarnation: `life ${round}-${index}`,
    name: 'n',
    group: 'g',
    queue: 'q',
    args: '{}',
    maxRetries: 0,
    maxCrashes: 3,
  }))
}

async function submitAgainAndAgain(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  let open = tasks
  while (open.length > 0) {
    const sent = open
    const answers = await broker.submit(sent).catch(() => [])
    for (const answer of answers) if (answer.ok) expect(answer.value).toBe('created')
    open = sent.filter((_, index) => !answers[index]?.ok)
  }
}

// The long run is a soak case: npm run soak -- --broker nats --case cuts-1000
test('a connection cut in the middle of a group of writes loses nothing and applies nothing twice', async (context) => {
  const reason = await whyNoServer('nats', {})
  context.skip(reason !== undefined, reason)
  const { proxy, url, close } = await startBehindProxy('nats', {})
  const broker = guardBroker(createNatsBroker({ url }))
  const starts = new Map<string, number>()
  try {
    await broker.connect({ timeout: 15_000 })
    const consumer = await broker.openConsumer({
      queues: ['q'],
      workerId: 'w',
      lease: 60_000,
      onCancel: () => undefined,
    })
    for (let round = 0; round < ROUNDS; round += 1) {
      // Somewhere among the writes of submit, claim and outcome, and of their answers.
      const direction = round % 2 === 0 ? 'toServer' : 'toClient'
      const cut = proxy.cutAfter({ direction, bytes: Math.floor(Math.random() * GROUP * 1500) })
      await submitAgainAndAgain(broker, groupOf(round))
      for (let ended = 0; ended < GROUP;) {
        const deliveries = await consumer.receive(GROUP, AbortSignal.timeout(30_000))
        expect(deliveries.length, `round ${round}: tasks received in time`).toBeGreaterThan(0)
        for (const { task } of deliveries) starts.set(task.id, (starts.get(task.id) ?? 0) + 1)
        const outcome = { type: 'done', result: '1' } as const
        const answers = await consumer.settle(deliveries.map(({ lease }) => ({ lease, outcome })))
        expect(answers).toEqual(deliveries.map(() => ({ ok: true, value: 'applied' })))
        ended += deliveries.length
      }
      await proxy.heal()
      await cut
    }
    expect([...starts.values()].filter((count) => count !== 1)).toEqual([])
    expect(starts.size).toBe(ROUNDS * GROUP)
    expect(await broker.counts()).toMatchObject({ DONE: ROUNDS * GROUP, QUEUED: 0, RUNNING: 0, ERROR: 0 })
  } finally {
    await broker.close()
    await close()
  }
}, 180_000)
