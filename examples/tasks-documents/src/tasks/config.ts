import { resolve } from 'node:path'
import { Fatal } from '@ds/core'
import { z } from 'zod'
import type { TranslationService } from '../translation/translator.ts'

/** What the tasks of this package need to know of their surroundings. */
export interface DocumentsConfig {
  /** The file of the search index. */
  readonly indexPath: string
  /** Where CSV and zip files are written. */
  readonly outputFolder: string
  /** Only documents below this folder are read, if it is given. */
  readonly root?: string | undefined
  readonly maxFileBytes: number
  /** ISO 3166: the country of phone numbers without a country code. */
  readonly country?: string | undefined
  /** A folder of examples, one folder per class, instead of the built-in classes. */
  readonly examplesFolder?: string | undefined
  readonly translation?: TranslationService | undefined
}

const text = z.string().trim().min(1).optional()
const ENVIRONMENT = z.object({
  DS_DOCUMENTS_INDEX: text.default('out/documents.sqlite'),
  DS_DOCUMENTS_OUTPUT: text.default('out'),
  DS_DOCUMENTS_ROOT: text,
  DS_DOCUMENTS_MAX_FILE_BYTES: z.coerce.number().int().min(1).max(2_000_000_000).default(64_000_000),
  DS_DOCUMENTS_COUNTRY: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'two letters, as in GB')
    .optional(),
  DS_DOCUMENTS_EXAMPLES: text,
  DS_DOCUMENTS_TRANSLATE_URL: z.url({ protocol: /^https?$/, error: 'an http or https URL' }).optional(),
  DS_DOCUMENTS_TRANSLATE_KEY: text,
})

/**
 * Reads the config from `DS_DOCUMENTS_*` variables. Empty ones count as absent; relative paths start at the working directory.
 *
 * @throws Fatal naming the variable that is wrong.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): DocumentsConfig {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== '')
  const parsed = ENVIRONMENT.safeParse(Object.fromEntries(given))
  if (!parsed.success) throw new Fatal(problemText(parsed.error))
  const values = parsed.data
  const { DS_DOCUMENTS_TRANSLATE_URL: url, DS_DOCUMENTS_TRANSLATE_KEY: apiKey } = values
  return {
    indexPath: resolve(values.DS_DOCUMENTS_INDEX),
    outputFolder: resolve(values.DS_DOCUMENTS_OUTPUT),
    root: resolved(values.DS_DOCUMENTS_ROOT),
    maxFileBytes: values.DS_DOCUMENTS_MAX_FILE_BYTES,
    country: values.DS_DOCUMENTS_COUNTRY,
    examplesFolder: resolved(values.DS_DOCUMENTS_EXAMPLES),
    translation: url === undefined ? undefined : { url, apiKey },
  }
}

function resolved(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}

function problemText(error: z.ZodError): string {
  const [issue] = error.issues
  return `The environment variable ${String(issue?.path[0])} cannot be used: ${issue?.message ?? error.message}`
}
