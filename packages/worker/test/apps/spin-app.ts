import { writeFileSync } from 'node:fs'
import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

/** Apart from the App of other programs, which start faster without a process for tasks. */
export const app: App = createApp('spin', [
  defineTask('spin', { isolation: 'process' }, (file: string) => {
    writeFileSync(file, String(process.pid))
    for (;;);
  }),
])
