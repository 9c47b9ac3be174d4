import { defineTask, Fatal, RetryAfter } from '@ds/core'
import { ANALYSIS_VERSIONS } from '../analysis-versions.ts'
import type { SearchIndex } from '../search-index/search-index.ts'
import type { IndexedDocument } from '../search-index/store-files.ts'
import { TranslationError } from '../translation/translation-error.ts'
import { translateText, type TranslateOptions, type TranslationService } from '../translation/translator.ts'
import { forEachDocument, selectionOf } from './analyse.ts'
import type { DocumentsConfig } from './config.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { translateArgs, translateResult } from './schemas.ts'

const REFUSED_SHOWN = 50

/** Translates the documents that are not in the target language, through a service that speaks LibreTranslate's protocol. */
export const translateDocumentsTask = defineTask(
  'translate_documents',
  {
    description: 'Translates the indexed documents through a LibreTranslate-compatible service',
    args: translateArgs,
    result: translateResult,
    group: 'io',
    maxRetries: 5,
    dependencies: [documentsConfig, searchIndex],
  },
  async ({ force, target, ...args }, { signal, progress, dependencies: { config, index } }) => {
    const service = serviceOf(config)
    const analysis = { kind: `translation:${target}`, version: ANALYSIS_VERSIONS.translation }
    const scope = { selection: selectionOf(args), analysis, force }
    const refused: { path: string; message: string }[] = []
    const done = { translated: 0, skipped: 0 }
    await forEachDocument({ index, signal, progress }, scope, async (document, onProgress) => {
      try {
        const options = { source: document.language ?? 'auto', target, signal, onProgress }
        done[await translateDocument({ index, service }, document, options)] += 1
      } catch (error) {
        refused.push({ path: document.path, message: refusal(error).slice(0, 300) })
      }
    })
    const [first] = refused
    if (first !== undefined && done.translated + done.skipped === 0) throw new Fatal(first.message)
    const shown = refused.slice(0, REFUSED_SHOWN)
    return { ...done, refused: shown, refusedLeftOut: refused.length - shown.length }
  },
)

function serviceOf({ translation }: DocumentsConfig): TranslationService {
  if (translation !== undefined) return translation
  const message =
    'No translation service is configured: set DS_DOCUMENTS_TRANSLATE_URL to a LibreTranslate-compatible one'
  throw new Fatal(message, { cause: new TranslationError('NotConfigured', message) })
}

async function translateDocument(
  { index, service }: { index: SearchIndex; service: TranslationService },
  document: IndexedDocument,
  options: TranslateOptions,
): Promise<'translated' | 'skipped'> {
  if (document.language === options.target || document.text === '') return 'skipped'
  const title = await translateText(service, document.title, { ...options, onProgress: undefined })
  const text = await translateText(service, document.text, options)
  index.putFinding(document.id, {
    kind: 'translation',
    language: options.target,
    version: ANALYSIS_VERSIONS.translation,
    title,
    text,
  })
  return 'translated'
}

/** What concerns this document alone is reported; what stops the service stops the task, which goes on from here later. */
function refusal(error: unknown): string {
  if (!(error instanceof TranslationError)) throw error
  if (error.code === 'Refused') return error.message
  if (error.code === 'BadAnswer') throw new Fatal(error.message, { cause: error })
  if (error.retryAfter !== undefined) throw new RetryAfter(error.retryAfter, error.message, { cause: error })
  throw error
}
