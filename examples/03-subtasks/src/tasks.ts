import { createApp, defineTask } from '@ds/core'

export const countLine = defineTask('count_line', ({ line }: { line: string }) => line.split(' ').length)

export const countWords = defineTask('count_words', async ({ lines }: { lines: string[] }, context) => {
  const { manager, progress, task } = context
  const step = progress.of(lines.length)
  const counts = lines.map(async (line, index) => {
    // Named after its parent: where the parent runs again, what is counted already is found counted.
    const part = await manager.create(countLine, { line }, { id: `${task.id}/${index}` })
    const count = await part.result()
    step()
    return count
  })
  const words = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  return { words, parts: lines.length }
})

export const app = createApp('words', [countLine, countWords])
