import { createApp, defineTask } from '@ds/core'

export const greet = defineTask('greet', async ({ greeted }: { greeted: string }, context) => {
  context.progress(0.5)
  return `Hello ${greeted}!`
})

export const app = createApp('hello', [greet])
