import { defineTask } from '@ds/core'
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
    const { findTags, TAGS_VERSION } = await import('../tags/find-tags.ts')
    let total = 0
    const inIndex = { frequency: (word: string) => index.documentFrequency(word), documents: index.counts().documents }
    const scope = { selection: selectionOf(args), analysis: { kind: 'tags', version: TAGS_VERSION }, force }
    const documents = await forEachDocument({ index, signal, progress }, scope, ({ id, title, text, language }) => {
      const tags = findTags(text, { title, language, ...inIndex })
      index.putFinding(id, { kind: 'tags', version: TAGS_VERSION, tags })
      total += tags.length
    })
    return { documents, tags: total }
  },
)
