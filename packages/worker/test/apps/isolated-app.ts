import { createApp, defineTask } from '@ds/core'
import type { App } from '@ds/core'

const double = defineTask('double', { isolation: 'thread' }, (value: number) => value * 2)

export const app: App = createApp('isolated', [double])
