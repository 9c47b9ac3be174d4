import { failureOf, type DocumentFailure } from './failure.ts'
import { loadFile } from './reading/load-file.ts'
import { readDocument } from './reading/read-document.ts'
import type { SearchIndex } from './search-index/search-index.ts'
import type { PutOutcome } from './search-index/store-files.ts'

export interface ReadLimits {
  /** Larger files are failures `TooLarge`. */
  readonly maxBytes: number
  /** Characters of text that are kept of one document. */
  readonly maxCharacters: number
}

export const DEFAULT_LIMITS: ReadLimits = { maxBytes: 64_000_000, maxCharacters: 5_000_000 }

export interface IndexFileOptions {
  readonly signal?: AbortSignal | undefined
  readonly limits?: ReadLimits | undefined
}

/** What became of a file, and which of its documents could not be read. */
export interface IndexFileOutcome {
  readonly outcome: PutOutcome | 'failed'
  readonly failures: readonly DocumentFailure[]
}

/**
 * Reads a file into the index, unless the index holds it as it is. Whatever is wrong with the file is in the answer and noted
 * in the index; thrown are only the signal's reason and errors of the index itself.
 */
export async function indexFile(
  index: SearchIndex,
  path: string,
  options: IndexFileOptions = {},
): Promise<IndexFileOutcome> {
  const { signal, limits = DEFAULT_LIMITS } = options
  signal?.throwIfAborted()
  const loaded = await loadFile(path, { maxBytes: limits.maxBytes, signal }).catch((error: unknown) => {
    signal?.throwIfAborted()
    return failureOf(path, error)
  })
  if ('code' in loaded) return recordFailure(index, loaded)
  if (index.isCurrent(path, loaded.hash)) return { outcome: 'unchanged', failures: index.failures({ file: path }) }
  const content = await readDocument(path, loaded.bytes, { signal, maxCharacters: limits.maxCharacters })
  const [failure] = content.failures
  if (content.documents.length === 0 && failure !== undefined) return recordFailure(index, failure)
  return { outcome: index.putFile(loaded, content), failures: content.failures }
}

function recordFailure(index: SearchIndex, failure: DocumentFailure): IndexFileOutcome {
  index.putFailure(failure)
  return { outcome: 'failed', failures: [failure] }
}
