import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

const wait = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time))

export const app: App = createApp('program', [
  defineTask('patient', () => wait(1500).then(() => 'in time')),
  defineTask('endless', (_args: null, { signal }) => wait(1e6).then(() => signal.throwIfAborted())),
  defineTask('obedient', async (_args: null, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    signal.throwIfAborted()
  }),
])
