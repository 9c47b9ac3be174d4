import { appendFileSync } from 'node:fs'
import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

if (process.env['BROKEN_APP']) throw new Error('this App is broken')

export const app: App = createApp('pool', [
  /** Writes its process id into a file, and ends when it is told to. */
  defineTask('tell_pid', async (file: string, { signal }) => {
    appendFileSync(file, `started ${process.pid}\n`)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    appendFileSync(file, `drained ${process.pid}\n`)
    throw signal.reason as Error
  }),
  defineTask('spin', (file: string) => {
    appendFileSync(file, `started ${process.pid}\n`)
    for (;;);
  }),
])
