export { DocumentError, type DocumentFailure, type FailureCode } from './failure.ts'
export { scanFolder, type ScanEntry, type ScanOptions, type SkipReason } from './scan.ts'
export { readDocument, type ReadOutcome } from './reading/read-document.ts'
export { DOCUMENT_TYPES, type DocumentType, type ReadDocument, type Table } from './reading/document.ts'
