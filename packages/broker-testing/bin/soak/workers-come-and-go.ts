import type { CaseContext } from '../../src/case-context.ts'
import { equal, sameMembers } from '../../src/check.ts'
import { startProgram } from '../../src/children/start-program.ts'
import type { ChildScript } from '../../src/faults/child-script.ts'
import { idsIn } from '../../src/groups/recovery/workers.ts'
import { idsOf, newTasks, submitAll } from '../../src/submitting.ts'
import { Fleet } from './fleet.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 300
const EVERY = 5000
const ROLE = { concurrency: 5, lease: 3000, work: 7000 }

/** Tasks longer than a lease and longer than the time between two changes; beside three workers another comes or goes all the time. */
export async function workersComeAndGo(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) return context.skip('its tasks live in one process: no other worker can join')
  const broker = await context.open()
  const fleet = await Fleet.start(context, broker, { size: 3, role: ROLE })
  const tasks = newTasks(context, COUNT)
  await submitAll(broker, tasks)
  const guests: ChildScript[] = []
  let guest: ChildScript | undefined
  let changes = 0
  while ((await broker.counts()).DONE < COUNT) {
    await context.watchFor(EVERY)
    if (guest) await guest.send('stop')
    else guests.push((guest = await startProgram(context, { type: 'worker', ...ROLE })))
    if (changes % 2 === 1) guest = undefined
    changes += 1
    say(`${changes} changes; ${(await broker.counts()).DONE} of ${COUNT} tasks have ended`)
  }
  const starts = [...fleet.starts(), ...guests.flatMap((child) => idsIn(child, 'start'))]
  sameMembers(starts, idsOf(tasks), 'the starts while workers came and went')
  const crashes = (await broker.get(idsOf(tasks))).filter((task) => task?.crashes !== 0).length
  equal(crashes, 0, 'tasks that count a crash')
  return { tasks: COUNT, taskMs: ROLE.work, leaseMs: ROLE.lease, changes, starts: starts.length, crashes }
}
