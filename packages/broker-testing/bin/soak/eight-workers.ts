import { readFileSync } from 'node:fs'
import type { Broker } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check } from '../../src/check.ts'
import { startProgram } from '../../src/children/start-program.ts'
import type { ChildScript } from '../../src/faults/child-script.ts'
import { newTasks, submitAll } from '../../src/submitting.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const RATE = 3000
const SECONDS = 20
/** Each of eight processes has to have run thousands of tasks before its code is compiled as well as that of one. */
const WARM_UP = 16
const SLOTS = 160
/** How often some are submitted, in milliseconds: many at once would flatter the one, which takes them all in a few exchanges. */
const BEAT = 10
const LOOK = 5000
/** For so long, in milliseconds, a broker may be busy with tasks that have ended: that belongs to their cost. */
const AFTERMATH = 30_000
/** Linux counts processor time in hundredths of a second. */
const TICK = 10_000

/** What processes have used together: microseconds of a processor, and bytes they have read, from sockets for the most part. */
interface Use {
  readonly cpu: number
  readonly read: number
}

/** Eight workers share what one does alone: what they read together, and what a task costs, must not grow with their number. */
export async function eightWorkers(context: CaseContext): Promise<Figures> {
  if (process.platform !== 'linux') return context.skip('processor time and bytes read are taken from /proc')
  if (!context.capabilities.shared) return context.skip('its tasks live in one process: there cannot be eight')
  const broker = await context.open()
  const one = await measure(context, broker, 1)
  const eight = await measure(context, broker, 8)
  const ratio = { read: eight.read / one.read, cpu: eight.cpu / one.cpu }
  const figures = {
    tasksPerSecond: RATE,
    oneReads: Math.round(one.read),
    eightRead: Math.round(eight.read),
    readRatio: rounded(ratio.read),
    oneTakes: rounded(one.cpu),
    eightTake: rounded(eight.cpu),
    cpuRatio: rounded(ratio.cpu),
  }
  say(JSON.stringify(figures))
  check(ratio.read <= 1.5, `eight workers together read ${rounded(ratio.read)} times what one reads`)
  check(ratio.cpu <= 2, `a task costs eight workers ${rounded(ratio.cpu)} times what it costs one`)
  return figures
}

/**
 * Bytes read and microseconds taken for each task, all that is done about it after its end included, and what the same processes take while
 * nothing happens left out.
 */
async function measure(context: CaseContext, broker: Broker, size: number): Promise<Use> {
  const role = { type: 'worker', concurrency: SLOTS / size, lease: 30_000, work: 5 } as const
  const workers: ChildScript[] = []
  for (let index = 0; index < size; index += 1) workers.push(await startProgram(context, role))
  for (const worker of workers) await worker.waitForLine('ready', { timeoutMs: 30_000 })
  await runThrough(context, broker, WARM_UP)
  await context.watchFor(AFTERMATH)
  const before = useOf(workers)
  await context.watchFor(LOOK)
  const idle = less(useOf(workers), before)
  const [started, from] = [performance.now(), useOf(workers)]
  await runThrough(context, broker, SECONDS)
  await context.watchFor(AFTERMATH)
  const used = less(useOf(workers), from)
  const looks = (performance.now() - started) / LOOK
  for (const worker of workers) await worker.send('stop')
  for (const worker of workers) await context.soon('a worker to end', worker.exited)
  const tasks = RATE * SECONDS
  return { cpu: (used.cpu - looks * idle.cpu) / tasks, read: (used.read - looks * idle.read) / tasks }
}

/** Tasks at the rate, evenly, for so long, and then until all of them have ended. */
async function runThrough(context: CaseContext, broker: Broker, seconds: number): Promise<void> {
  const { DONE: before } = await broker.counts()
  const started = performance.now()
  const submitting: Promise<void>[] = []
  for (let part = 1; part <= (seconds * 1000) / BEAT; part += 1) {
    submitting.push(submitAll(broker, newTasks(context, (RATE * BEAT) / 1000)))
    await context.watchFor(Math.max(0, started + part * BEAT - performance.now()))
  }
  await Promise.all(submitting)
  const wanted = before + RATE * seconds
  await context.until('the tasks to end', async () => (await broker.counts()).DONE === wanted, 60_000)
}

function useOf(workers: readonly ChildScript[]): Use {
  const uses = workers.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const read = /rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
    return { cpu: (Number(fields[11]) + Number(fields[12])) * TICK, read: Number(read) }
  })
  return uses.reduce((sum, { cpu, read }) => ({ cpu: sum.cpu + cpu, read: sum.read + read }), { cpu: 0, read: 0 })
}

function less(now: Use, before: Use): Use {
  return { cpu: now.cpu - before.cpu, read: now.read - before.read }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
