import type { Delivery } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { between, check, sameMembers } from '../../src/check.ts'
import { DONE } from '../../src/consuming.ts'
import { idsOf, newTask, submitAll } from '../../src/submitting.ts'
import { TestWorker } from '../../src/test-worker.ts'
import type { Figures } from './soak-case.ts'

const COUNT = 10_000
const SPREAD = 20_000

/** 10,000 delays that end within twenty seconds: none early, none lost, none twice. */
export async function delayed10k(context: CaseContext): Promise<Figures> {
  const broker = await context.open()
  const first = Date.now() + 10_000
  const due = new Map<string, number>()
  const tasks = Array.from({ length: COUNT }, () =>
    newTask(context, { runAt: first + Math.floor(Math.random() * SPREAD) }),
  )
  for (const { id, runAt = 0 } of tasks) due.set(id, runAt)
  const lateness: number[] = []
  const starts: string[] = []
  const handle = ({ task }: Delivery): typeof DONE => {
    starts.push(task.id)
    lateness.push(Date.now() - (due.get(task.id) ?? 0))
    return DONE
  }
  const queues = [context.queue]
  const worker = await TestWorker.start({ broker, queues, concurrency: 50, lease: 10_000, handle })
  await submitAll(broker, tasks)
  check(Date.now() < first, 'submitting took longer than the first delay')
  await context.until('10,000 delayed tasks to end', async () => (await broker.counts()).DONE === COUNT, 90_000)
  await worker.stop()
  sameMembers(starts, idsOf(tasks), 'the starts of 10,000 delayed tasks')
  const sorted = lateness.toSorted((a, b) => a - b)
  const [earliest = 0] = sorted
  const latest = sorted.at(-1) ?? 0
  between(earliest, [-context.tolerances.clock, Infinity], 'ms of the earliest start after its time')
  between(latest, [0, context.tolerances.delayLateness + 2000], 'ms of the latest start after its time')
  return { tasks: COUNT, earliestMs: earliest, medianLateMs: sorted[COUNT / 2] ?? 0, latestMs: latest }
}
