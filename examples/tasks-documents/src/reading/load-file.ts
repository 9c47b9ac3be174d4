import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { DocumentError } from '../failure.ts'

export interface LoadedFile {
  readonly path: string
  readonly bytes: Uint8Array
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string
  readonly size: number
  /** ISO 8601. */
  readonly modifiedAt: string
}

/**
 * Reads a file of at most `maxBytes`; a larger one is not opened further.
 *
 * @throws DocumentError `Empty` or `TooLarge`; the system's error when it cannot be read.
 */
export async function loadFile(
  path: string,
  options: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<LoadedFile> {
  const file = await open(path, 'r')
  try {
    const { size, mtime } = await file.stat()
    if (size > options.maxBytes) throw tooLarge(size, options.maxBytes)
    const bytes = await file.readFile({ signal: options.signal })
    if (bytes.length === 0) throw new DocumentError('Empty', 'The file is empty')
    const hash = createHash('sha256').update(bytes).digest('hex')
    return { path, bytes, hash, size: bytes.length, modifiedAt: mtime.toISOString() }
  } finally {
    await file.close()
  }
}

function tooLarge(size: number, limit: number): DocumentError {
  return new DocumentError('TooLarge', `${megabytes(size)} MB, over the limit of ${megabytes(limit)} MB`)
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)
}
