import type { DatabaseSync } from 'node:sqlite'
import { conditionOf, type Selection } from './selection.ts'

/** A document that matches a query. */
export interface Hit {
  readonly id: number
  readonly path: string
  readonly title: string
  readonly type: string
  readonly language?: string | undefined
  readonly class?: string | undefined
  /** Higher is better; comparable within one search only. */
  readonly score: number
  /** The best passage on one line, the matching words between the marks. */
  readonly snippet: string
}

export interface SearchOptions {
  /** Default 20. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  /** Words of the passage that is shown, at most 60. Default 18. */
  readonly words?: number | undefined
  /** What stands before and after a matching word in snippets. Default `[` and `]`. */
  readonly marks?: readonly [before: string, after: string] | undefined
}

/** A word in the title or the name of the file tells more about a document than one in its text. */
const WEIGHTS = '6.0, 3.0, 1.0'
const TEXT_COLUMN = 2
const SNIPPET_WORDS = 18
const MAX_SNIPPET_WORDS = 60

/** The best matches first. @throws QuerySyntaxError */
export function searchDocuments(
  database: DatabaseSync,
  selection: Selection & { readonly query: string },
  options: SearchOptions,
): Hit[] {
  const [before, after] = options.marks ?? ['[', ']']
  const { sql, parameters } = conditionOf(selection)
  const words = Math.min(options.words ?? SNIPPET_WORDS, MAX_SNIPPET_WORDS)
  const rows = database
    .prepare(
      `SELECT d.id, d.path, d.title, d.type, d.language, classes.class, -bm25(documents_fts, ${WEIGHTS}) AS score,
              snippet(documents_fts, ${TEXT_COLUMN}, :before, :after, '…', :words) AS snippet
       FROM documents_fts JOIN documents AS d ON d.id = documents_fts.rowid LEFT JOIN classes ON classes.document_id = d.id
       WHERE documents_fts MATCH :query AND ${sql}
       ORDER BY score DESC, d.id LIMIT :limit OFFSET :offset`,
    )
    .all({ ...parameters, before, after, words, limit: options.limit ?? 20, offset: options.offset ?? 0 })
  return rows.map((row) => ({
    id: Number(row['id']),
    path: String(row['path']),
    title: String(row['title']),
    type: String(row['type']),
    language: textOrUndefined(row['language']),
    class: textOrUndefined(row['class']),
    score: Number(Number(row['score']).toPrecision(4)),
    snippet: String(row['snippet']).replace(/\s+/g, ' ').trim(),
  }))
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
