import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { newTasks, submitAll } from '../../src/submitting.ts'
import { Fleet } from './fleet.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 100_000
const KILL_EVERY = 5000

/** 100,000 queued tasks, four worker processes, one of them killed every five seconds. */
export async function drain100k(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) return context.skip('its tasks live in one process, which cannot be killed alone')
  const broker = await context.open()
  await submitAll(broker, newTasks(context, COUNT, { args: JSON.stringify('x'.repeat(200)), maxCrashes: 100 }))
  say(`${COUNT} tasks are queued`)
  const started = performance.now()
  const fleet = await Fleet.start(context, broker, { size: 4, role: { concurrency: 20, lease: 3000, work: 30 } })
  let nextKill = started + KILL_EVERY
  for (;;) {
    const { QUEUED, RUNNING } = await broker.counts()
    if (QUEUED + RUNNING === 0) break
    check(performance.now() - started < 900_000, `${QUEUED + RUNNING} tasks are left after a quarter of an hour`)
    // Near the end a kill would only wait for its leases.
    if (performance.now() > nextKill && QUEUED > 2000) {
      await fleet.killOne()
      nextKill += KILL_EVERY
      say(`killed ${fleet.kills}; ${QUEUED} tasks are left`)
    }
    await context.watchFor(200)
  }
  const seconds = (performance.now() - started) / 1000
  const { DONE: done } = await broker.counts()
  const countDistinct = (): number => new Set(fleet.starts()).size
  // What the workers said last may still be on its way through their pipes.
  await context.until('every start to be heard of', () => countDistinct() >= done, 10_000).catch(() => undefined)
  const distinct = countDistinct()
  const figures = {
    tasks: COUNT,
    lost: COUNT - done,
    kills: fleet.kills,
    duplicates: fleet.duplicates(),
    inFlightAtKills: fleet.inFlight,
    tasksPerSecond: Math.round(COUNT / seconds),
  }
  say(JSON.stringify(figures))
  equal([done, distinct], [COUNT, COUNT], 'tasks DONE, and different tasks started')
  check(
    figures.duplicates <= figures.inFlightAtKills,
    `${figures.duplicates} starts too many, ${fleet.inFlight} in flight at kills`,
  )
  check(fleet.kills >= 3, `only ${fleet.kills} workers were killed`)
  return figures
}
