import type { Broker, Task } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { startProgram } from '../../src/children/start-program.ts'
import type { ChildScript } from '../../src/faults/child-script.ts'
import { idsOf, newTasks, submitAll } from '../../src/submitting.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 20_000
const STILL = 8000
const BETWEEN = 12_000
const ROLE = { type: 'worker', concurrency: 10, lease: 3000, work: 200 } as const

/** One of four workers stands still for 8 s of every 20, longer than its leases, and wakes up with outcomes that came too late. */
export async function pausedWorkers(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) return context.skip('its tasks live in one process, which cannot be stopped alone')
  const broker = await context.open()
  const tasks = newTasks(context, COUNT, { maxCrashes: 100 })
  await submitAll(broker, tasks)
  const workers = await Promise.all([0, 1, 2, 3].map(() => startProgram(context, ROLE)))
  let pauses = 0
  while (await isBusy(broker)) {
    const victim = workers[pauses % workers.length]
    check(victim, 'there is no worker to stop')
    await victim.pause()
    await context.watchFor(STILL)
    victim.resume()
    pauses += 1
    say(`${pauses} pauses; ${(await broker.counts()).DONE} of ${COUNT} tasks have ended`)
    await context.watchFor(BETWEEN)
  }
  // What was woken last says its late outcomes first.
  await context.watchFor(context.capabilities.readLag + 1000)
  const records = await checkRecords(context, broker, idsOf(tasks))
  const late = checkStarts(workers)
  const again = records.filter(({ crashes }) => crashes > 0).length
  check(again > 0, 'no task was taken over from a worker that stood still')
  return { tasks: COUNT, pauses, takenOver: again, lateOutcomes: late }
}

async function isBusy(broker: Broker): Promise<boolean> {
  const { QUEUED, RUNNING } = await broker.counts()
  return QUEUED + RUNNING > 0
}

/** The result names the attempt that gave it: it must be that of the record, for whoever reads. */
async function checkRecords(context: CaseContext, live: Broker, ids: readonly string[]): Promise<Task[]> {
  const fresh = await context.open()
  const found: Task[] = []
  for (let start = 0; start < ids.length; start += 500) {
    const some = ids.slice(start, start + 500)
    const [old, now] = await Promise.all([live.get(some), fresh.get(some)])
    equal(now, old, 'what a process that has just connected reads')
    for (const task of old) {
      check(task?.state === 'DONE', `task ${task?.id} is ${task?.state ?? 'gone'}`)
      found.push(task)
    }
    const results = await Promise.all(some.map((id) => fresh.result(id)))
    equal(
      results,
      old.map((task) => String(task?.attempt)),
      'the results, by the attempt that gave them',
    )
  }
  return found
}

/** No attempt has two starts, and no task two outcomes that were applied. Gives how many came late. */
function checkStarts(workers: readonly ChildScript[]): number {
  const lines = workers.flatMap(({ lines: printed }) => [...printed])
  const starts = lines.filter((line) => line.startsWith('start '))
  equal(starts.length - new Set(starts).size, 0, 'attempts that were started twice')
  const settled = lines.filter((line) => line.startsWith('settled '))
  const applied = settled.filter((line) => line.endsWith(' applied')).map((line) => line.split(' ')[1])
  equal(applied.length - new Set(applied).size, 0, 'tasks of which two outcomes were applied')
  return settled.filter((line) => line.endsWith(' superseded')).length
}
