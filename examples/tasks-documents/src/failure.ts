/** Why a document could not be read. Stable: programs may compare it. */
export const FAILURE_CODES = [
  'Missing', // nothing is at this path any more
  'Unreadable', // the system refuses to open it
  'Empty', // a file of zero bytes
  'TooLarge', // over the size limit
  'Unsupported', // a format that this package does not read
  'Encrypted', // needs a password
  'Truncated', // the end of the file is missing
  'Corrupt', // not what its format demands
  'NoText', // sound, but without a text to search: a scan, for instance
  'Crashed', // reading it ended its thread, or took too long, again and again
] as const
export type FailureCode = (typeof FAILURE_CODES)[number]

/** One document that was left out, and why. It never stops the others. */
export interface DocumentFailure {
  readonly path: string
  readonly code: FailureCode
  readonly message: string
}

/** Thrown by the readers of this package; caught per document and turned into a {@link DocumentFailure}. */
export class DocumentError extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DocumentError'
    this.code = code
  }
}

/** States an error as a failure of `path`. Anything that is not ours or the system's counts as a corrupt document. */
export function failureOf(path: string, error: unknown): DocumentFailure {
  if (error instanceof DocumentError) return { path, code: error.code, message: error.message }
  const systemCode = systemCodeOf(error)
  if (systemCode === 'ENOENT') return { path, code: 'Missing', message: 'The file is gone' }
  if (systemCode !== undefined) return { path, code: 'Unreadable', message: systemMessage(systemCode) }
  const reason = error instanceof Error ? error.message : String(error)
  return { path, code: 'Corrupt', message: `Cannot be read: ${firstLine(reason)}` }
}

function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function systemMessage(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return `No permission to read it (${code})`
  if (code === 'ELOOP') return 'The link leads back to itself (ELOOP)'
  return `The system cannot read it (${code})`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 300)
}
