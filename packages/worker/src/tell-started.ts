import type { Broker } from '@ds/core'
import type { ResolvedWorkerOptions } from './worker-options.ts'

/** Writes the first line of a worker: what it runs, where, for which groups, and how safe that is. */
export async function tellStarted(options: ResolvedWorkerOptions, broker: Broker): Promise<void> {
  const { app, id, concurrency, groups, logger } = options
  const tasks = [...app.tasks.values()].filter((task) => groups.includes(task.options.group)).map(({ name }) => name)
  const { durability } = await broker.health()
  const count = tasks.length === 1 ? '1 task' : `${tasks.length} tasks`
  const slots = concurrency === 1 ? '1 slot' : `${concurrency} slots`
  logger.info(`Worker of ${app.name} started: ${count}, ${slots}, ${broker.address}`, {
    worker: id,
    groups,
    tasks,
    durability: `${durability.level}: ${durability.summary}`,
  })
  if (durability.level !== 'weak') return
  const advice = durability.advice === undefined ? '' : `. ${durability.advice}`
  logger.warn(`${broker.address} may lose what it accepted: ${durability.summary}${advice}`)
}
