/**
 * A worker with a broker of its own, as a program: runs one task `t` of the kind that is named by its argument until a signal ends it,
 * then prints what became of the task.
 */
import { writeSync } from 'node:fs'
import path from 'node:path'
import { createMemoryBroker, createTaskManager } from '@ds/core'
import { Worker } from '../../src/index.ts'

const [taskName = '', args = 'null', drain = '1s'] = process.argv.slice(2)
const broker = createMemoryBroker()
const worker = new Worker({
  app: path.join(import.meta.dirname, `../apps/${taskName === 'spin' ? 'spin' : 'program'}-app.ts`),
  broker,
  drain,
  shutdownGrace: 300,
})
const running = worker.run({ signals: true })
while (worker.status().state !== 'running') await new Promise((resolve) => setTimeout(resolve, 5))
if (taskName !== '') {
  await createTaskManager(broker).create(taskName, JSON.parse(args), { id: 't' })
  while (worker.status().running.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
}
writeSync(1, 'running\n')
await running
const [task] = await broker.get(['t'])
writeSync(1, `${JSON.stringify({ state: task?.state, attempt: task?.attempt, crashes: task?.crashes })}\n`)
process.exit(0)
