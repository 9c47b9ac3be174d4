import { defineDependency, type Dependency } from '@ds/core'
import type { DocumentClassifier } from '../classification/document-classifier.ts'
import { SearchIndex } from '../search-index/search-index.ts'
import { readConfig, type DocumentsConfig } from './config.ts'

/** `DS_DOCUMENTS_*`, read when the worker starts. */
export const documentsConfig: Dependency<'config', DocumentsConfig> = defineDependency('config', {
  setup: () => readConfig(),
})

/** The search index, open as long as the worker lives. */
export const searchIndex: Dependency<'index', SearchIndex> = defineDependency('index', {
  uses: [documentsConfig],
  setup: (scope) => SearchIndex.open(scope.get(documentsConfig).indexPath),
  teardown: (index) => index.close(),
})

/** Learns from the examples folder, if one is set, when the worker starts. */
export const documentClassifier: Dependency<'classifier', DocumentClassifier> = defineDependency('classifier', {
  uses: [documentsConfig],
  setup: async (scope) => {
    const { createDocumentClassifier, examplesFromFolder } = await import('../classification/document-classifier.ts')
    const { examplesFolder } = scope.get(documentsConfig)
    return examplesFolder === undefined
      ? createDocumentClassifier()
      : createDocumentClassifier(await examplesFromFolder(examplesFolder, scope.signal))
  },
})
