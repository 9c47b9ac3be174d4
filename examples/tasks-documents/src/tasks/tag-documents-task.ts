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
    let total = 0
    const inIndex = { frequency: (word: string) => index.documentFrequency(word), documents: index.counts().documents }
    const scope = { selection: selectionOf(args), analysis: { kind: 'tags', version }, force }
    const documents = await forEachDocument(
      { index, signal, progress },
      scope,
      async ({ id, title, text, language }) => {
        const { findTags } = await import('../tags/find-tags.ts')
        const tags = findTags(text, { title, language, ...inIndex })
        index.putFinding(id, { kind: 'tags', version, tags })
        total += tags.length
      },
    )
    return { documents, tags: total }
  },
)
