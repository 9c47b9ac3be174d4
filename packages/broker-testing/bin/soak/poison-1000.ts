import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { poisonAmongThousand } from '../../src/groups/lease-poison.ts'
import { getTask, idsOf, newTask, newTasks, submitAll } from '../../src/submitting.ts'
import { Fleet } from './fleet.ts'
import type { Figures } from './soak-case.ts'

/** One task among 1,000 kills its worker process each time it starts; concurrency 100. */
export async function poison1000(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) {
    await poisonAmongThousand(context)
    return { tasks: 1001, workerLost: 1 }
  }
  const broker = await context.open()
  const poison = newTask(context)
  const neighbours = newTasks(context, 1000)
  const role = { concurrency: 100, lease: 2000, work: 20, poison: poison.id }
  const fleet = await Fleet.start(context, broker, { size: 2, role })
  await submitAll(broker, [...neighbours.slice(0, 300), poison, ...neighbours.slice(300)])
  await context.until(
    'all of 1,001 tasks to end',
    async () => {
      await fleet.replaceDead()
      const { QUEUED, RUNNING } = await broker.counts()
      return QUEUED + RUNNING === 0
    },
    300_000,
  )
  const { DONE: done, ERROR: errors } = await broker.counts()
  const { state, crashes } = await getTask(broker, poison.id)
  equal([done, errors, state, crashes], [1000, 1, 'ERROR', 3], 'DONE, ERROR, and the poison task')
  const read = await broker.get(idsOf(neighbours))
  const mostCrashes = Math.max(...read.map((task) => task?.crashes ?? 0))
  check(mostCrashes <= 1, `a neighbour has lost ${mostCrashes} workers`)
  return { tasks: 1001, workerLost: errors, workersKilled: fleet.kills, mostCrashesOfANeighbour: mostCrashes }
}
