import { defineTask } from '@ds/core'
import type { DocumentFailure } from '../failure.ts'
import { isAllowed } from './allowed-place.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { indexBatchArgs, indexBatchResult, shownFailures } from './schemas.ts'

/**
 * Reads some files into the index: the part of `index_documents` that is spread over workers. It runs in a thread, so that a file
 * that hangs or kills its reader can be ended and takes no other task along.
 */
export const indexBatchTask = defineTask(
  'index_batch',
  {
    description: 'Reads some files into the index; index_documents creates one for each batch of files',
    args: indexBatchArgs,
    result: indexBatchResult,
    group: 'io',
    isolation: 'thread',
    timeout: '10m',
    maxRetries: 1,
    maxCrashes: 2,
    dependencies: [documentsConfig, searchIndex],
  },
  async ({ paths }, { signal, progress, dependencies: { config, index } }) => {
    const { DEFAULT_LIMITS, indexFile } = await import('../index-file.ts')
    const counts = { added: 0, replaced: 0, unchanged: 0, failed: 0 }
    const failures: DocumentFailure[] = []
    const limits = { ...DEFAULT_LIMITS, maxBytes: config.maxFileBytes }
    for await (const [path] of progress.over(paths)) {
      if (!(await isAllowed(path, config.root))) {
        counts.failed += 1
        failures.push({ path, code: 'Unreadable', message: 'Lies outside of DS_DOCUMENTS_ROOT' })
        continue
      }
      const { outcome, failures: ofFile } = await indexFile(index, path, { signal, limits })
      counts[outcome] += 1
      failures.push(...ofFile)
    }
    return { ...counts, ...shownFailures(failures) }
  },
)
