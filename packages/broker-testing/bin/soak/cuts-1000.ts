import type { Broker, NewTask, TaskConsumer } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { DONE, openConsumer } from '../../src/consuming.ts'
import { onlyOutage } from '../../src/fault-run.ts'
import { newTasks } from '../../src/submitting.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const CUTS = 1000
const LINES = 4
const GROUP = 20
/** Bytes of a group, with its answers, on no broker much more than this: a cut falls anywhere in it. */
const BYTES = GROUP * 1500
/** For entries that were sent into a broken connection to come again. */
const PATIENCE = 60_000

/** What became of one line, each to a server of its own. */
interface Books {
  groups: number
  cuts: number
  done: number
  readonly starts: Map<string, number>
}

/**
 * A group of tasks at a time is submitted, claimed and settled by way of a connection that is cut somewhere in the middle, until it has
 * been cut a thousand times. What has no answer is sent again, as a manager would do; a worker's calls go on by themselves. Most of
 * the time is spent waiting for the connection to return: so there are several lines at once.
 */
export async function cuts1000(context: CaseContext): Promise<Figures> {
  const lines = await Promise.all(Array.from({ length: LINES }, () => cutLine(context, CUTS / LINES)))
  const sum = (count: (books: Books) => number): number => lines.reduce((total, books) => total + count(books), 0)
  const told = sum(({ groups }) => groups) * GROUP
  const figures = {
    cuts: sum(({ cuts }) => cuts),
    told,
    lost: told - sum(({ done }) => done),
    startedTwice: sum(({ starts }) => [...starts.values()].filter((count) => count > 1).length),
  }
  say(JSON.stringify(figures))
  equal([figures.lost, figures.startedTwice], [0, 0], 'tasks lost, and tasks started twice')
  equal(
    sum(({ starts }) => starts.size),
    told,
    'different tasks started',
  )
  return figures
}

async function cutLine(context: CaseContext, wanted: number): Promise<Books> {
  const { proxy, url } = await context.server({ proxied: true })
  if (!proxy) return context.skip('the server was not started behind a proxy')
  const broker = await context.open({ url })
  const consumer = await openConsumer(context, broker, { lease: 120_000 })
  const books: Books = { groups: 0, cuts: 0, done: 0, starts: new Map() }
  while (books.cuts < wanted) {
    books.groups += 1
    const bytes = Math.floor(Math.random() * BYTES)
    const cut = proxy.cutAfter({ direction: books.groups % 2 === 0 ? 'toServer' : 'toClient', bytes })
    await submitAgainAndAgain(broker, newTasks(context, GROUP))
    await runGroup(context, consumer, books.starts)
    await proxy.heal()
    if (await cut) books.cuts += 1
    if (books.groups % 50 === 0) say(`${books.cuts} cuts in ${books.groups} groups of one line`)
  }
  const { DONE: done, QUEUED: queued, RUNNING: running, ERROR: failed } = await broker.counts()
  equal([queued, running, failed], [0, 0, 0], 'tasks QUEUED, RUNNING and in ERROR')
  return { ...books, done }
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
