import { writeFileSync } from 'node:fs'
import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

if (process.env['FRAGILE']) throw new Error('no memory left')

export const app: App = createApp('fragile', [
  defineTask('hold', { isolation: 'thread' }, async (file: string, { signal }) => {
    writeFileSync(file, 'running')
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }),
  defineTask('quick', { isolation: 'thread' }, () => 'quick'),
])
