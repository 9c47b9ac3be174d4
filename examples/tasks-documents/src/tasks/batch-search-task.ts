import { defineTask } from '@ds/core'
import { selectionOf } from './analyse.ts'
import { documentsConfig, searchIndex } from './dependencies.ts'
import { outputPath } from './output-path.ts'
import { batchSearchArgs, batchSearchResult } from './schemas.ts'

const ERRORS_SHOWN = 100

/** Runs many queries over the index and writes the hits to a CSV file. */
export const batchSearchTask = defineTask(
  'batch_search',
  {
    description: 'Runs many queries over the index and writes the hits to a CSV file',
    args: batchSearchArgs,
    result: batchSearchResult,
    group: 'io',
    maxRetries: 2,
    dependencies: [documentsConfig, searchIndex],
  },
  async ({ queries, limit, ...within }, { task, signal, progress, dependencies: { config, index } }) => {
    const { searchToCsv } = await import('../export/search-to-csv.ts')
    const path = outputPath(config.outputFolder, task.id, '.csv')
    const onProgress = (done: number, of: number): void => progress(done / of)
    const options = { within: selectionOf(within), limit, signal, onProgress }
    const outcomes = await searchToCsv(index, { queries, path }, options)
    const errors = outcomes.flatMap(({ query, error }) =>
      error === undefined ? [] : [{ query: query.slice(0, 200), ...error }],
    )
    return {
      csv: path,
      queries: queries.length,
      hits: outcomes.reduce((sum, { hits }) => sum + hits, 0),
      withoutHits: outcomes.filter(({ hits, error }) => hits === 0 && error === undefined).length,
      errors: errors.slice(0, ERRORS_SHOWN),
      errorsLeftOut: Math.max(0, errors.length - ERRORS_SHOWN),
    }
  },
)
