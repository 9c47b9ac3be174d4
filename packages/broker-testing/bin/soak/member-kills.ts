import type { CaseContext } from '../../src/case-context.ts'
import { FaultRun } from '../../src/fault-run.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const TASKS = 30_000

/** Every server of a cluster is killed in turn under load, the leader of whatever there is to lead among them. */
export async function memberKills(context: CaseContext): Promise<Figures> {
  const { url, members = [] } = await context.server()
  if (members.length < 3) return context.skip('the server of the case is not a cluster of three')
  const run = await FaultRun.start(context, { tasks: TASKS, workers: 2, concurrency: 20, lease: 5000, broker: { url } })
  const submitting = run.submitAll()
  for (const [index, member] of members.entries()) {
    await run.untilPart((index + 1) / (members.length + 1))
    await run.fault(() => member.kill())
    const before = run.finished
    // A majority is left: the work goes on without the one that was killed.
    await context.until('tasks to end with a member missing', () => run.finished > before + 100, 60_000)
    await run.mend(() => member.start())
    say(`killed ${index + 1} of ${members.length}; ${run.finished} of ${TASKS} tasks have ended`)
  }
  await submitting
  await run.checkBooks()
  const [books] = context.faults
  return { killed: members.length, ...books }
}
