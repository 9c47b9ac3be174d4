import { z } from 'zod'
import { DOCUMENT_TYPES } from '../reading/document.ts'
import { ENTITY_TYPES } from '../entities/entity.ts'
import { FAILURE_CODES, type DocumentFailure } from '../failure.ts'

/** Results are kept by the broker, so they stay small: beyond this many, failures are counted only. All of them are in the index. */
export const FAILURES_SHOWN = 50

const count = z.number().int().min(0)
const failure = z.object({ path: z.string(), code: z.enum(FAILURE_CODES), message: z.string() })
const failures = { failures: z.array(failure), failuresLeftOut: count }

/** The first failures, as many as a result can hold, and how many there are besides. */
export function shownFailures(
  failures: readonly DocumentFailure[],
  total: number = failures.length,
): { failures: DocumentFailure[]; failuresLeftOut: number } {
  const shown = failures.slice(0, FAILURES_SHOWN)
  return { failures: shown, failuresLeftOut: total - shown.length }
}

const selection = {
  query: z.string().max(2000).optional().describe('words that must match; see the query syntax'),
  type: z.enum(DOCUMENT_TYPES).optional(),
  language: z.string().length(2).optional().describe('ISO 639-1'),
  class: z.string().optional(),
  tag: z.string().optional(),
  folder: z.string().optional().describe('only documents below this folder'),
}

const analysisArgs = z.strictObject({
  ...selection,
  force: z.boolean().default(false).describe('also documents that were looked at before'),
})

export const indexDocumentsArgs = z.strictObject({
  folder: z.string().min(1),
  hidden: z.boolean().default(false).describe('also files and folders that begin with a dot'),
  followLinks: z.boolean().default(false),
  batchSize: z.number().int().min(1).max(500).default(20).describe('files to a subtask'),
})
export const indexDocumentsResult = z.object({
  files: count,
  added: count,
  replaced: count,
  unchanged: count,
  failed: count,
  skipped: count,
  ...failures,
})

export const indexBatchArgs = z.strictObject({ paths: z.array(z.string()).min(1).max(500) })
export const indexBatchResult = z.object({
  added: count,
  replaced: count,
  unchanged: count,
  failed: count,
  ...failures,
})

export const findEntitiesArgs = analysisArgs
export const findEntitiesResult = z.object({
  documents: count,
  entities: z.record(z.enum(ENTITY_TYPES), count).describe('how many were found of each type'),
})

export const classifyArgs = analysisArgs
export const classifyResult = z.object({ documents: count, classes: z.record(z.string(), count) })

export const extractStructureArgs = analysisArgs
export const extractStructureResult = z.object({
  documents: count,
  dates: count,
  amounts: count,
  keyValues: count,
  tables: count,
})

export const tagArgs = analysisArgs
export const tagResult = z.object({ documents: count, tags: count })

export const translateArgs = z.strictObject({
  ...analysisArgs.shape,
  target: z.string().length(2).default('en').describe('ISO 639-1'),
})
export const translateResult = z.object({
  translated: count,
  skipped: count.describe('documents that are in the target language already, or hold no text'),
  refused: z.array(z.object({ path: z.string(), message: z.string() })),
  refusedLeftOut: count,
})

export const batchSearchArgs = z.strictObject({
  queries: z.array(z.string()).min(1).max(5000),
  limit: z.number().int().min(1).max(10_000).default(100).describe('hits per query'),
  type: selection.type,
  language: selection.language,
  class: selection.class,
  tag: selection.tag,
  folder: selection.folder,
})
export const batchSearchResult = z.object({
  csv: z.string().describe('path of the CSV file'),
  queries: count,
  hits: count,
  withoutHits: count,
  errors: z.array(z.object({ query: z.string(), message: z.string(), position: count })),
  errorsLeftOut: count,
})

export const batchDownloadArgs = z.strictObject(selection)
export const batchDownloadResult = z.object({
  zip: z.string().describe('path of the zip file'),
  files: count,
  bytes: count,
  ...failures,
})
