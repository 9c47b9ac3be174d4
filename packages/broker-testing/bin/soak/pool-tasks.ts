import { appendFileSync } from 'node:fs'
import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

/** A line in the file that the soak case reads: written when this returns, whatever happens to the process then. */
function note(what: string, taskId: string): void {
  appendFileSync(process.env['SOAK_NOTES'] ?? '/dev/null', `${what} ${taskId} ${process.pid}\n`)
}

const work = defineTask('soak.work', { maxRetries: 0 }, async ({ ms }: { ms: number }, { task }) => {
  note('start', task.id)
  await new Promise((resolve) => setTimeout(resolve, ms))
  note('end', task.id)
  return task.attempt
})

export const app: App = createApp('soak', [work])
