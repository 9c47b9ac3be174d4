import { createApp } from '@ds/core'
import { batchDownloadTask } from './tasks/batch-download-task.ts'
import { batchSearchTask } from './tasks/batch-search-task.ts'
import { classifyDocumentsTask } from './tasks/classify-documents-task.ts'
import { extractStructureTask } from './tasks/extract-structure-task.ts'
import { findEntitiesTask } from './tasks/find-entities-task.ts'
import { indexBatchTask } from './tasks/index-batch-task.ts'
import { indexDocumentsTask } from './tasks/index-documents-task.ts'
import { tagDocumentsTask } from './tasks/tag-documents-task.ts'
import { translateDocumentsTask } from './tasks/translate-documents-task.ts'

/** Tasks on documents, in the groups `io` and `cpu`. Run it as it is, or within an App of your own: `createApp('all', [mine, documents])`. */
export const documents = createApp('documents', [
  indexDocumentsTask,
  indexBatchTask,
  findEntitiesTask,
  classifyDocumentsTask,
  extractStructureTask,
  translateDocumentsTask,
  tagDocumentsTask,
  batchSearchTask,
  batchDownloadTask,
])

export { documents as app }
