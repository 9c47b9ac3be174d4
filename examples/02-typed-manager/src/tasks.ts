import { createApp, defineTask, Fatal } from '@ds/core'
import { z } from 'zod'

export const countWords = defineTask(
  'count_words',
  { args: z.object({ text: z.string() }), result: z.object({ words: z.number() }) },
  ({ text }) => ({ words: text.split(/\s+/).filter((word) => word !== '').length }),
)

export const translate = defineTask('translate', ({ to }: { text: string; to: string }): string => {
  throw new Fatal(`no translator for ${to}`)
})

export const app = createApp('words', [countWords, translate])
