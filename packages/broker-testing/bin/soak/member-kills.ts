import type { CaseContext } from '../../src/case-context.ts'
import { FaultRun } from '../../src/fault-run.ts'
import type { ServerControl } from '../../src/servers/server.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const TASKS = 10_000

/** Every server of a cluster is killed in turn under load, the leader of whatever there is to lead among them. */
export async function memberKills(context: CaseContext): Promise<Figures> {
  const { url, members = [] } = await context.server()
  if (members.length < 3) return context.skip('the server of the case is not a cluster of three')
  for (const [index, member] of members.entries()) {
    await killUnderLoad(context, { url, member })
    say(`killed ${index + 1} of ${members.length}`)
  }
  const sum = (pick: (books: CaseContext['faults'][number]) => number): number =>
    context.faults.reduce((total, books) => total + pick(books), 0)
  return {
    killed: members.length,
    told: sum(({ told }) => told),
    lost: sum(({ lost }) => lost),
    duplicates: sum(({ duplicates }) => duplicates),
    inFlight: sum(({ inFlight }) => inFlight),
    recoveredMs: Math.max(...context.faults.map(({ recoveredMs }) => recoveredMs)),
  }
}

/** Tasks of its own for each kill: however long a server takes to come back, there is work left when the next one goes. */
async function killUnderLoad(
  context: CaseContext,
  { url, member }: { url: string; member: Pick<ServerControl, 'kill' | 'start'> },
): Promise<void> {
  const run = await FaultRun.start(context, { tasks: TASKS, workers: 2, concurrency: 20, lease: 5000, broker: { url } })
  const submitting = run.submitAll()
  await run.untilPart(0.25)
  await run.fault(() => member.kill())
  const before = run.finished
  // A majority is left: the work goes on without the one that was killed.
  await context.until('tasks to end with a member missing', () => run.finished > before + 100, 60_000)
  await run.mend(() => member.start())
  await submitting
  await run.checkBooks()
}
