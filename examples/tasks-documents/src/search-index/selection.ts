import type { DatabaseSync } from 'node:sqlite'
import { parseQuery } from './query-syntax.ts'

/** Which documents of the index. What is left out does not restrict; nothing at all means every document. */
export interface Selection {
  /** See `parseQuery` for what may be typed. */
  readonly query?: string | undefined
  /** `pdf`, `email`, ... */
  readonly type?: string | undefined
  /** ISO 639-1. */
  readonly language?: string | undefined
  readonly class?: string | undefined
  readonly tag?: string | undefined
  /** Only what lies below this folder. */
  readonly folder?: string | undefined
}

/** Documents that an analysis of this kind and version has not seen. */
export interface Lacking {
  readonly kind: string
  readonly version: string
}

type Parameters = Record<string, string | number>

/** A condition on `documents AS d`, with its parameters. */
interface Condition {
  readonly sql: string
  readonly parameters: Parameters
}

const PAGE = 200

/**
 * The ids of the selected documents in the order of their entry, read in pages, so that documents may be written meanwhile.
 *
 * @throws QuerySyntaxError
 */
export function* selectIds(
  database: DatabaseSync,
  selection: Selection,
  lacking?: Lacking,
): Generator<number, void, undefined> {
  const condition = conditionOf(selection, lacking)
  const page = database.prepare(
    `SELECT d.id AS id FROM documents AS d WHERE d.id > :after AND ${condition.sql} ORDER BY d.id LIMIT ${PAGE}`,
  )
  let after = 0
  for (;;) {
    const ids = page.all({ ...condition.parameters, after }).map(({ id }) => Number(id))
    yield* ids
    if (ids.length < PAGE) return
    after = ids.at(-1)!
  }
}

/** @throws QuerySyntaxError */
export function countSelected(database: DatabaseSync, selection: Selection, lacking?: Lacking): number {
  const { sql, parameters } = conditionOf(selection, lacking)
  const row = database.prepare(`SELECT count(*) AS count FROM documents AS d WHERE ${sql}`).get(parameters)
  return Number(row?.['count'])
}

export function conditionOf(selection: Selection, lacking?: Lacking): Condition {
  const clauses: string[] = ['1']
  const parameters: Parameters = {}
  const add = (name: string, value: string | undefined, clause: string): void => {
    if (value === undefined) return
    clauses.push(clause)
    parameters[name] = value
  }
  const query = selection.query === undefined ? undefined : parseQuery(selection.query)
  add('query', query, 'd.id IN (SELECT rowid FROM documents_fts WHERE documents_fts MATCH :query)')
  addFilters(selection, add)
  if (lacking !== undefined) {
    const seen = 'a.document_id = d.id AND a.kind = :kind AND a.version = :version'
    clauses.push(`NOT EXISTS (SELECT 1 FROM analyses AS a WHERE ${seen})`)
    Object.assign(parameters, lacking)
  }
  return { sql: clauses.join(' AND '), parameters }
}

function addFilters(
  selection: Selection,
  add: (name: string, value: string | undefined, clause: string) => void,
): void {
  add('type', selection.type, 'd.type = :type')
  add('language', selection.language, 'd.language = :language')
  add('class', selection.class, 'd.id IN (SELECT document_id FROM classes WHERE class = :class)')
  add('tag', selection.tag, 'd.id IN (SELECT document_id FROM tags WHERE tag = :tag)')
  const folder = selection.folder?.replace(/[/\\]+$/, '')
  add('folder', folder, `(substr(d.path, 1, length(:folder) + 1) IN (:folder || '/', :folder || '\\'))`)
}
