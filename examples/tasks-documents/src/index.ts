export { documents, documents as app } from './app.ts'
export {
  createDocumentClassifier,
  examplesFromFolder,
  type DocumentClassifier,
} from './classification/document-classifier.ts'
export type { Classification, Example } from './classification/naive-bayes.ts'
export { ENTITY_TYPES, type Entity, type EntityType } from './entities/entity.ts'
export { findEntities, type FindEntitiesOptions } from './entities/find-entities.ts'
export { searchToCsv, type QueryOutcome, type SearchToCsvOptions } from './export/search-to-csv.ts'
export { zipDocuments, type ZipDocumentsOptions, type ZipOutcome } from './export/zip-documents.ts'
export { DocumentError, FAILURE_CODES, type DocumentFailure, type FailureCode } from './failure.ts'
export { indexFile, type IndexFileOptions, type IndexFileOutcome, type ReadLimits } from './index-file.ts'
export {
  DOCUMENT_TYPES,
  type DocumentType,
  type ReadDocument,
  type ReaderOptions,
  type Table,
} from './reading/document.ts'
export { readDocument, type ReadOutcome } from './reading/read-document.ts'
export { scanFolder, type ScanEntry, type ScanOptions, type SkipReason } from './scan.ts'
export { IndexFormatError, type OpenOptions } from './search-index/open-database.ts'
export { QuerySyntaxError } from './search-index/query-syntax.ts'
export type { Hit, SearchOptions } from './search-index/search.ts'
export { SearchIndex } from './search-index/search-index.ts'
export type { Lacking, Selection } from './search-index/selection.ts'
export type { FileState, IndexedDocument, PutOutcome } from './search-index/store-files.ts'
export type { Finding, Findings, Tag } from './search-index/store-findings.ts'
export type { EntityTotal, IndexCounts, Total } from './search-index/totals.ts'
export { extractStructure } from './structure/extract-structure.ts'
export type { Amount, DatedPassage, KeyValue, Structure } from './structure/structure.ts'
export { findTags, type FindTagsOptions } from './tags/find-tags.ts'
export { TranslationError, type TranslationErrorCode } from './translation/translation-error.ts'
export { translateText, type TranslateOptions, type TranslationService } from './translation/translator.ts'
