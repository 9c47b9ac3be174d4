import { randomUUID } from 'node:crypto'
import { drawTaskId, DsError } from '@ds/core'
import type { Broker, NewTask } from '@ds/core'
import type { SubmitterRole } from './program-options.ts'
import { say } from './say.ts'

/** Submits its tasks in batches, several under way at once, and sends again what an outage left unanswered. */
export async function playSubmitter(broker: Broker, queue: string, role: SubmitterRole): Promise<void> {
  let next = 0
  const submitter = async (): Promise<void> => {
    while (next < role.count) {
      const size = Math.min(role.batch, role.count - next)
      const tasks = Array.from({ length: size }, (_, index) => taskOf(queue, identity(role, next + index)))
      next += size
      await submitBatch(broker, tasks)
    }
  }
  await Promise.all(Array.from({ length: role.inFlight }, submitter))
  say('finished')
  await broker.close()
}

async function submitBatch(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  let open = tasks
  while (open.length > 0) {
    const answers = await broker.submit(open).catch(ifOutage)
    const told = open.filter((_, index) => answers[index]?.ok)
    if (told.length > 0) say('told', ...told.map(({ id }) => id))
    open = open.filter((_, index) => !answers[index]?.ok)
    if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function ifOutage(error: unknown): never[] {
  if (DsError.is(error, 'BrokerUnavailable')) return []
  throw error
}

/** Ids of both kinds: drawn, and named by the creator. */
function identity({ prefix }: SubmitterRole, index: number): Pick<NewTask, 'id' | 'uniqueId'> {
  return index % 2 === 0 ? { id: drawTaskId(), uniqueId: true } : { id: `${prefix}-${index}` }
}

function taskOf(queue: string, id: Pick<NewTask, 'id' | 'uniqueId'>): NewTask {
  return {
    ...id,
    incarnation: randomUUID(),
    name: 'kit.task',
    group: 'kit',
    queue,
    args: '{}',
    maxRetries: 3,
    maxCrashes: 50,
  }
}
