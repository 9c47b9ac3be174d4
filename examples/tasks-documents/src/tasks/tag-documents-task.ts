import { defineTask } from '@ds/core'
import { ANALYSIS_VERSIONS } from '../analysis-versions.ts'
import { forEachDocument, selectionOf } from './analyse.ts'
import { searchIndex } from './dependencies.ts'
import { tagArgs, tagResult } from './schemas.ts'

/** Gives each document the key words and phrases that set it apart from the others in the index. */
export const tagDocumentsTask = defineTask(
  'tag_documents',
  {
    description: 'Gives each indexed document the key words and phrases that set it apart from the others',
    args: tagArgs,
    result: tagResult,
    group: 'cpu',
    isolation: 'thread',
    maxRetries: 2,
    dependencies: [searchIndex],
  },
  async ({ force, ...args }, { signal, progress, dependencies: { index } }) => {
    const version = ANALYSIS_VERSIONS.tags
    const frequency = remembered((word) => index.documentFrequency(word))
    const { documents } = index.counts()
    let total = 0
    const scope = { selection: selectionOf(args), analysis: { kind: 'tags', version }, force }
    const seen = await forEachDocument({ index, signal, progress }, scope, async (document) => {
      const { findTags } = await import('../tags/find-tags.ts')
      const title = document.title === document.name ? undefined : document.title
      const tags = findTags(document.text, { title, language: document.language, frequency, documents })
      index.putFinding(document.id, { kind: 'tags', version, tags })
      total += tags.length
    })
    return { documents: seen, tags: total }
  },
)

const MAX_REMEMBERED = 100_000

/** Documents share most of their words: each is looked up once. */
function remembered(lookUp: (word: string) => number): (word: string) => number {
  const known = new Map<string, number>()
  return (word) => {
    const frequency = known.get(word) ?? lookUp(word)
    if (known.size < MAX_REMEMBERED) known.set(word, frequency)
    return frequency
  }
}
