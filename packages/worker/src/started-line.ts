import type { Broker, Durability, Logger } from '@ds/core'
import type { ResolvedWorkerOptions } from './worker-options.ts'

/** What a worker says of itself when it starts: plain data. */
export interface StartedWorker {
  readonly id: string
  readonly app: string
  readonly concurrency: number
  readonly groups: readonly string[]
  readonly address: string
  readonly tasks: readonly { readonly name: string; readonly group: string }[]
  readonly durability: Durability
}

const LISTED_TASKS = 12

export async function startedWorker(options: ResolvedWorkerOptions, broker: Broker): Promise<StartedWorker> {
  const { app, id, concurrency, groups } = options
  const own = [...app.tasks.values()].filter((task) => groups.includes(task.options.group))
  const tasks = own.map(({ name, options: { group } }) => ({ name, group }))
  const { durability } = await broker.health()
  return { id, app: app.name, concurrency, groups, address: broker.address, tasks, durability }
}

/** Writes the first line of a worker or pool: what it runs, where, for which groups; and a second where the broker may lose tasks. */
export function tellStarted(worker: StartedWorker, logger: Logger, processes?: number): void {
  const { id, app, groups, address, durability } = worker
  const slots = worker.concurrency === 1 ? '1 slot' : `${worker.concurrency} slots`
  const size = processes === undefined ? slots : `${processes} processes x ${slots}`
  const group = `${groups.length === 1 ? 'group' : 'groups'} ${groups.join(', ')}`
  const line = ['worker', app, size, group, address, `tasks: ${listOf(worker.tasks)}`].join('  ')
  logger.info(line, {
    ...(processes === undefined && { worker: id }),
    durability: `${durability.level}: ${durability.summary}`,
  })
  if (durability.level !== 'weak') return
  const advice = durability.advice === undefined ? '' : `. ${durability.advice}`
  logger.warn(`${address} may lose what it accepted: ${durability.summary}${advice}`)
}

function listOf(tasks: StartedWorker['tasks']): string {
  const listed = tasks.slice(0, LISTED_TASKS).map(({ name, group }) => `${name} (group ${group})`)
  const more = tasks.length - listed.length
  return more > 0 ? `${listed.join(', ')} and ${more} more` : listed.join(', ')
}
