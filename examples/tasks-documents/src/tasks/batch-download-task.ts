import { defineTask } from '@ds/core'
import { asFatal, selectionOf } from './analyse.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { outputPath } from './output-path.ts'
import { batchDownloadArgs, batchDownloadResult, shownFailures } from './schemas.ts'

/** Packs the files of the selected documents into a zip archive. */
export const batchDownloadTask = defineTask(
  'batch_download',
  {
    description: 'Packs the files of the selected documents into a zip archive',
    args: batchDownloadArgs,
    result: batchDownloadResult,
    group: 'io',
    maxRetries: 2,
    dependencies: [documentsConfig, searchIndex],
  },
  async (args, { task, signal, progress, dependencies: { config, index } }) => {
    const { zipDocuments } = await import('../export/zip-documents.ts')
    const path = outputPath(config.outputFolder, task.id, '.zip')
    const onProgress = (done: number, of: number): void => progress(done / of)
    const job = { selection: selectionOf(args), path }
    const { files, bytes, failures } = await zipDocuments(index, job, { signal, onProgress }).catch(
      (error: unknown) => {
        throw asFatal(error)
      },
    )
    return { zip: path, files, bytes, ...shownFailures(failures) }
  },
)
