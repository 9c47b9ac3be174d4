import type { CaseContext } from '../../src/case-context.ts'
import { equal, sameMembers } from '../../src/check.ts'
import { getTask, idsOf, newTasks, submitAll } from '../../src/submitting.ts'
import { Fleet } from './fleet.ts'
import type { Figures } from './soak-case.ts'

const LEASE = 10_000

/** Ten tasks, each three leases of ten seconds long, at two workers. */
export async function longTask(context: CaseContext): Promise<Figures> {
  const broker = await context.open()
  const fleet = await Fleet.start(context, broker, { size: 2, role: { concurrency: 5, lease: LEASE, work: 3 * LEASE } })
  const tasks = newTasks(context, 10)
  await submitAll(broker, tasks)
  await context.until('ten tasks to end', async () => (await broker.counts()).DONE === 10, 6 * LEASE)
  for (const { id } of tasks) {
    const { attempt, crashes } = await getTask(broker, id)
    equal([attempt, crashes], [1, 0], 'attempt and crashes of a task three leases long')
  }
  sameMembers(fleet.starts(), idsOf(tasks), 'the starts of ten tasks three leases long')
  return { tasks: 10, leaseMs: LEASE, taskMs: 3 * LEASE, starts: fleet.starts().length }
}
