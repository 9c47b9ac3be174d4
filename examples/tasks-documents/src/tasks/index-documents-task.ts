import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defineTask, Fatal } from '@ds/core'
import { isAllowed } from './allowed-place.ts'
import { BatchRun } from './batch-run.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { scanFolder, type ScanOptions } from '../scan.ts'
import { indexDocumentsArgs, indexDocumentsResult, shownFailures } from './schemas.ts'

/** Reads a folder and all below it into the index, in batches that any worker of the group may take. */
export const indexDocumentsTask = defineTask(
  'index_documents',
  {
    description: 'Reads a folder of PDF, DOCX, HTML, e-mail, Markdown and text files into the search index',
    args: indexDocumentsArgs,
    result: indexDocumentsResult,
    group: 'io',
    maxRetries: 2,
    dependencies: [documentsConfig, searchIndex],
  },
  async ({ batchSize, ...args }, { manager, signal, progress, dependencies: { config, index } }) => {
    const folder = await checkedFolder(args.folder, config.root)
    const options = { signal, hidden: args.hidden, followLinks: args.followLinks }
    const total = await countFiles(folder, options)
    const run = new BatchRun({ manager, signal, batchSize, onDone: (done) => progress(done / Math.max(total, done)) })
    try {
      await addEntries(run, folder, options)
      await run.finish()
    } catch (error) {
      await run.cancel()
      throw error
    }
    for (const failure of run.newFailures) index.putFailure(failure)
    return { ...run.counts, ...shownFailures(run.failures, run.failureCount) }
  },
)

async function addEntries(run: BatchRun, folder: string, options: ScanOptions): Promise<void> {
  for await (const entry of scanFolder(folder, options)) {
    if (entry.kind === 'file') await run.addFile(entry.path)
    else if (entry.kind === 'skipped') run.counts.skipped += 1
    else run.addFailure(entry.failure)
  }
}

/** Counting names is cheap beside reading files, and makes the progress true. */
async function countFiles(folder: string, options: ScanOptions): Promise<number> {
  let files = 0
  for await (const entry of scanFolder(folder, options)) if (entry.kind === 'file') files += 1
  return files
}

/** @throws Fatal: a folder that is not there, or not allowed, will not be on the next attempt. */
async function checkedFolder(folder: string, root: string | undefined): Promise<string> {
  const path = resolve(folder)
  const status = await stat(path).catch((error: unknown) => {
    throw new Fatal(`The folder ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (!status.isDirectory()) throw new Fatal(`${path} is no folder`)
  if (!(await isAllowed(path, root))) {
    throw new Fatal(`${path} lies outside of DS_DOCUMENTS_ROOT (${root ?? ''})`)
  }
  return path
}
