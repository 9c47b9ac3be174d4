import type { Broker } from '@ds/core'
import type { CaseContext } from '../../case-context.ts'
import { between, check, equal, sameMembers } from '../../check.ts'
import type { HoldStage } from '../../children/program-options.ts'
import { startProgram } from '../../children/start-program.ts'
import { leaseOf, receiveOne, settleWell, openConsumer, DONE } from '../../consuming.ts'
import type { ChildScript } from '../../faults/child-script.ts'
import { getTask, newTasks, submitAll, submitOne, untilState } from '../../submitting.ts'
import { TestWorker } from '../../test-worker.ts'
import { longestWait } from '../lease.ts'
import { sizeOf } from './links.ts'

/** The ids in lines that begin with a word. */
export function idsIn(child: ChildScript, word: string): string[] {
  return child.lines.flatMap((line) => {
    const [first, ...ids] = line.split(' ')
    return first === word ? (word === 'told' ? ids : ids.slice(0, 1)) : []
  })
}

export async function killedWorker(context: CaseContext, stage: HoldStage): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const role = { type: 'worker', concurrency: 1, lease, work: 50, hold: stage } as const
  const child = await startProgram(context, role)
  await child.waitForLine('ready', { timeoutMs: context.tolerances.patience })
  const { id } = await submitOne(context, broker)
  await child.waitForLine(`holding ${id} 1`, { timeoutMs: context.tolerances.patience })
  const consumer = await openConsumer(context, broker, { lease })
  await child.kill()
  const killed = performance.now()
  const again = await receiveOne(context, consumer)
  between(
    performance.now() - killed,
    [0, longestWait(context, again)],
    'ms until the task of a killed worker runs again',
  )
  equal([again.task.id, again.lease.attempt, again.task.crashes], [id, 2, 1], 'the task of a killed worker')
  const ended = await settleWell({ context, broker, consumer }, again, DONE)
  equal([ended.state, ended.failures], ['DONE', 0], 'the task of a killed worker, at last')
  const effects = idsIn(child, 'effect').length
  equal(effects, stage === 'effect' ? 1 : 0, 'the effects of the killed worker')
}

/** Stopped past its lease, it wakes up and believes that the task is still its own. */
export async function stoppedWorker(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const child = await startProgram(context, { type: 'worker', concurrency: 1, lease, work: 50, hold: 'middle' })
  await child.waitForLine('ready', { timeoutMs: context.tolerances.patience })
  const { id } = await submitOne(context, broker)
  await child.waitForLine(`holding ${id} 1`, { timeoutMs: context.tolerances.patience })
  const consumer = await openConsumer(context, broker, { lease })
  await child.pause()
  const again = await receiveOne(context, consumer)
  equal([again.task.id, again.lease.attempt], [id, 2], 'the task of a stopped worker')
  const ended = await settleWell({ context, broker, consumer }, again, { type: 'done', result: '"second"' })
  child.resume()
  await child.send('go')
  const line = await child.waitForLine(`settled ${id} 1`, { timeoutMs: context.tolerances.patience })
  check(line.endsWith('superseded') || line.endsWith('recorded'), `the late outcome of a stopped worker: ${line}`)
  await context.watchFor(context.capabilities.readLag)
  equal(await getTask(broker, id), ended, 'the record after the late outcome of a stopped worker')
  equal(await broker.result(id), '"second"', 'the result after the late outcome of a stopped worker')
  await submitOne(context, broker)
  await context.until('the woken worker to go on', () => idsIn(child, 'holding').length > 1)
}

export async function killedSubmitter(context: CaseContext): Promise<void> {
  const count = sizeOf(context, 20_000)
  const role = { type: 'submitter', count, batch: 20, inFlight: 4, prefix: context.name('child') } as const
  const child = await startProgram(context, role)
  await context.until('a third of the tasks to be told', () => idsIn(child, 'told').length > count / 3, 60_000)
  await child.kill()
  const told = idsIn(child, 'told')
  check(told.length < count, 'the submitter had finished before it was killed')
  const broker = await context.open()
  const finished = new Set<string>()
  const worker = await TestWorker.start({
    broker,
    queues: [context.queue],
    concurrency: 50,
    lease: context.tolerances.patience,
    handle: () => DONE,
    onSettled: ({ task }) => void finished.add(task.id),
  })
  await context.until(
    'all tasks of the killed submitter to end',
    async () => {
      const { QUEUED, RUNNING } = await broker.counts()
      return QUEUED + RUNNING === 0 && told.every((id) => finished.has(id))
    },
    60_000,
  )
  await worker.stop()
  const lost = told.filter((id) => !finished.has(id)).length
  context.faults.push({ told: told.length, lost, duplicates: 0, inFlight: 0, recoveredMs: 0 })
}

/** Workers die one after the other while tasks run; a new one takes the place of each. */
export async function killedAgainAndAgain(context: CaseContext): Promise<void> {
  const seconds = context.settings.scale === 'full' ? 120 : 12
  const broker = await context.open()
  const start = (): Promise<ChildScript> =>
    startProgram(context, { type: 'worker', concurrency: 5, lease: 1500, work: 20 })
  const children = await Promise.all([start(), start(), start()])
  const living = [...children]
  const told: string[] = []
  const until = performance.now() + seconds * 1000
  let inFlight = 0
  let last: Victim | undefined
  for (let kill = 0; performance.now() < until; kill++) {
    const victim = living[kill % living.length]
    check(victim, 'there is no worker to kill')
    // On a busy machine the others could run all there is before it has begun.
    await victim.waitForLine('ready', { timeoutMs: context.tolerances.patience })
    const tasks = newTasks(context, 400, { maxCrashes: 100 })
    await submitAll(broker, tasks)
    told.push(...tasks.map(({ id }) => id))
    await context.until('the next victim to run something', () => unsettled(victim).length > 0)
    await victim.kill()
    inFlight += unsettled(victim).length
    last = { child: victim, at: performance.now() }
    const next = await start()
    children.push(next)
    living[kill % living.length] = next
    await context.until('the backlog to shrink', async () => (await broker.counts()).QUEUED < 200, 60_000)
  }
  const recoveredMs = last ? await untilTakenOver(context, broker, last) : 0
  await context.until(
    'all tasks to end',
    async () => {
      const { QUEUED, RUNNING } = await broker.counts()
      return QUEUED + RUNNING === 0
    },
    60_000,
  )
  const starts = children.flatMap((child) => idsIn(child, 'start'))
  const duplicates = starts.length - new Set(starts).size
  const states = await statesOf(context, told)
  const lost = told.length - (states.get('DONE') ?? 0)
  context.faults.push({ told: told.length, lost, duplicates, inFlight, recoveredMs })
  equal(lost, 0, `tasks lost; the states are ${JSON.stringify([...states])}`)
  check(duplicates <= inFlight, `${duplicates} starts too many, with ${inFlight} in flight at the kills`)
  sameMembers([...new Set(starts)], told, 'the tasks that were started')
}

interface Victim {
  readonly child: ChildScript
  /** When it was killed. */
  readonly at: number
}

/** What a killed worker had started and not heard the end of. */
function unsettled(child: ChildScript): string[] {
  const settled = new Set(idsIn(child, 'settled'))
  return idsIn(child, 'start').filter((id) => !settled.has(id))
}

/** Waits until what the victim held has ended, and gives the time that took. */
async function untilTakenOver(context: CaseContext, broker: Broker, { child, at }: Victim): Promise<number> {
  const held = unsettled(child)
  await context.until('what the last victim held to end', async () =>
    (await broker.get(held)).every((task) => task?.state === 'DONE'),
  )
  return Math.round(performance.now() - at)
}

async function statesOf(context: CaseContext, ids: readonly string[]): Promise<Map<string, number>> {
  const broker = await context.open()
  const states = new Map<string, number>()
  for (let start = 0; start < ids.length; start += 500) {
    for (const task of await broker.get(ids.slice(start, start + 500))) {
      const state = task?.state ?? 'gone'
      states.set(state, (states.get(state) ?? 0) + 1)
    }
  }
  return states
}

/** Closing must end all that tries to reach a server which is away, or was, or the process would go on for ever. */
export async function endsWithoutServer(context: CaseContext): Promise<void> {
  const server = await context.server()
  const start = async (timeout: number, line: string): Promise<ChildScript> => {
    const child = await startProgram(context, { type: 'closer', timeout }, { url: server.url })
    await child.waitForLine(line, { timeoutMs: context.tolerances.patience })
    return child
  }
  const [first, second] = await Promise.all([start(20_000, 'ready'), start(20_000, 'ready')])
  await server.stop()
  const late = await start(1000, 'unavailable')
  // Long enough that all that was open has been tried again.
  await context.watchFor(3000)
  await endsAfterClose(context, first)
  await endsAfterClose(context, late)
  await server.start()
  await context.watchFor(3000)
  await endsAfterClose(context, second)
}

async function endsAfterClose(context: CaseContext, child: ChildScript): Promise<void> {
  await child.send('close')
  await child.waitForLine('closed', { timeoutMs: context.tolerances.unavailable })
  const exit = await context.soon('the process to end after close', child.exited, 5000)
  equal(exit, { code: 0, signal: null }, `how the process ended; it wrote: ${child.output}`)
}

export async function flaggedWorkerDies(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const lease = leaseOf(context)
  const child = await startProgram(context, { type: 'worker', concurrency: 1, lease, work: 50, hold: 'middle' })
  await child.waitForLine('ready', { timeoutMs: context.tolerances.patience })
  const { id } = await submitOne(context, broker)
  await child.waitForLine(`holding ${id} 1`, { timeoutMs: context.tolerances.patience })
  equal(await broker.cancel(id, { requeue: false }), 'requested', 'the cancel of a task that runs in another process')
  const consumer = await openConsumer(context, broker, { lease })
  const waiting = consumer.receive(1, context.signal)
  await child.kill()
  const ended = await untilState(context, broker, { id, state: 'CANCELLED' })
  equal([ended.attempt, ended.crashes], [1, 0], 'the flagged task of a killed worker')
  const next = await submitOne(context, broker)
  equal((await context.soon('the next task', waiting))[0]?.task.id, next.id, 'what is received after it')
}
