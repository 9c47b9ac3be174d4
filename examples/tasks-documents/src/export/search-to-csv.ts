import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import { QuerySyntaxError } from '../search-index/query-syntax.ts'
import type { Selection } from '../search-index/selection.ts'
import type { SearchIndex } from '../search-index/search-index.ts'
import { writeAside } from './write-aside.ts'

export interface SearchToCsvOptions {
  /** Which documents are searched. Default all. */
  readonly within?: Omit<Selection, 'query'> | undefined
  /** Hits per query. Default 100. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, of: number) => void) | undefined
}

/** What became of one query. */
export interface QueryOutcome {
  readonly query: string
  readonly hits: number
  /** Why the query could not be understood; `position` counts characters from 0. */
  readonly error?: { readonly message: string; readonly position: number } | undefined
}

const COLUMNS = ['query', 'rank', 'path', 'title', 'type', 'language', 'class', 'score', 'snippet', 'error']

/**
 * Runs many queries and writes their hits to one CSV file with a heading, a row per hit, and a row with the reason for each
 * query that cannot be understood. Values that a spreadsheet would run as formulas are made harmless.
 *
 * @throws the signal's reason; then no file is left.
 */
export async function searchToCsv(
  index: SearchIndex,
  { queries, path }: { readonly queries: readonly string[]; readonly path: string },
  options: SearchToCsvOptions = {},
): Promise<QueryOutcome[]> {
  return writeAside(path, async (asidePath) => {
    const outcomes: QueryOutcome[] = []
    const csv = stringify({ header: true, columns: COLUMNS, escape_formulas: true, bom: true })
    await pipeline(rowsOf(index, { queries, outcomes }, options), csv, createWriteStream(asidePath), {
      signal: options.signal,
    }).catch((error: unknown) => {
      options.signal?.throwIfAborted()
      throw error
    })
    return outcomes
  })
}

type Row = Record<string, string | number | undefined>

async function* rowsOf(
  index: SearchIndex,
  { queries, outcomes }: { queries: readonly string[]; outcomes: QueryOutcome[] },
  options: SearchToCsvOptions,
): AsyncGenerator<Row, void, undefined> {
  for (const query of queries) {
    options.signal?.throwIfAborted()
    const { outcome, rows } = runQuery(index, query, options)
    yield* rows
    outcomes.push(outcome)
    options.onProgress?.(outcomes.length, queries.length)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function runQuery(
  index: SearchIndex,
  query: string,
  options: SearchToCsvOptions,
): { outcome: QueryOutcome; rows: Row[] } {
  try {
    const hits = index.search({ ...options.within, query }, { limit: options.limit ?? 100 })
    return { outcome: { query, hits: hits.length }, rows: hits.map((hit, rank) => ({ query, rank: rank + 1, ...hit })) }
  } catch (error) {
    if (!(error instanceof QuerySyntaxError)) throw error
    const { message, position } = error
    const row = { query, error: `${message} (at character ${position + 1})` }
    return { outcome: { query, hits: 0, error: { message, position } }, rows: [row] }
  }
}
