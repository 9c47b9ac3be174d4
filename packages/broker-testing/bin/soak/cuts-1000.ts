import type { Broker, NewTask, TaskConsumer } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { DONE, openConsumer } from '../../src/consuming.ts'
import { onlyOutage } from '../../src/fault-run.ts'
import { newTasks } from '../../src/submitting.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const CUTS = 1000
const GROUP = 20
/** Bytes of a group, with its answers, on no broker much more than this: a cut falls anywhere in it. */
const BYTES = GROUP * 1500
/** For entries that were sent into a broken connection to come again. */
const PATIENCE = 60_000

/**
 * A group of tasks at a time is submitted, claimed and settled by way of a connection that is cut somewhere in the middle, until it has
 * been cut a thousand times. What has no answer is sent again, as a manager would do; a worker's calls go on by themselves.
 */
export async function cuts1000(context: CaseContext): Promise<Figures> {
  const { proxy, url } = await context.server({ proxied: true })
  if (!proxy) return context.skip('the server was not started behind a proxy')
  const broker = await context.open({ url })
  const consumer = await openConsumer(context, broker, { lease: 120_000 })
  const starts = new Map<string, number>()
  let [rounds, cuts] = [0, 0]
  while (cuts < CUTS) {
    rounds += 1
    const bytes = Math.floor(Math.random() * BYTES)
    const cut = proxy.cutAfter({ direction: rounds % 2 === 0 ? 'toServer' : 'toClient', bytes })
    await submitAgainAndAgain(broker, newTasks(context, GROUP))
    await runGroup(context, consumer, starts)
    await proxy.heal()
    if (await cut) cuts += 1
    if (rounds % 50 === 0) say(`${cuts} cuts in ${rounds} groups`)
  }
  const twice = [...starts.values()].filter((count) => count > 1).length
  const { DONE: done, QUEUED: queued, RUNNING: running, ERROR: failed } = await broker.counts()
  const figures = { cuts, told: rounds * GROUP, lost: rounds * GROUP - done, startedTwice: twice }
  say(JSON.stringify(figures))
  equal([done, queued, running, failed], [rounds * GROUP, 0, 0, 0], 'tasks DONE, QUEUED, RUNNING and in ERROR')
  equal([starts.size, twice], [rounds * GROUP, 0], 'different tasks started, and those started twice')
  return figures
}

/** A submit that is sent again must be known as the same. */
async function submitAgainAndAgain(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  let open = tasks
  while (open.length > 0) {
    const sent = open
    const answers = await broker.submit(sent).catch(onlyOutage)
    for (const answer of answers) if (answer.ok) equal(answer.value, 'created', 'the answer to a submit')
    open = sent.filter((_, index) => !answers[index]?.ok)
  }
}

/** Each claim is the first of its task, and each outcome is applied: no claim was both won and refused. */
async function runGroup(context: CaseContext, consumer: TaskConsumer, starts: Map<string, number>): Promise<void> {
  for (let ended = 0; ended < GROUP;) {
    const over = AbortSignal.any([AbortSignal.timeout(PATIENCE), context.signal])
    const deliveries = await consumer.receive(GROUP - ended, over)
    check(deliveries.length > 0, `${GROUP - ended} tasks were not received within ${PATIENCE} ms`)
    for (const { task } of deliveries) {
      equal(task.attempt, 1, `the attempt of ${task.id}`)
      starts.set(task.id, (starts.get(task.id) ?? 0) + 1)
    }
    const answers = await consumer.settle(deliveries.map(({ lease }) => ({ lease, outcome: DONE })))
    for (const answer of answers) check(answer.ok && answer.value === 'applied', 'an outcome was not applied')
    ended += deliveries.length
  }
}
