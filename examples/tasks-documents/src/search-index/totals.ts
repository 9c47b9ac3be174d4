import type { DatabaseSync } from 'node:sqlite'
import type { EntityType } from '../entities/entity.ts'

export interface IndexCounts {
  readonly files: number
  readonly documents: number
  readonly failures: number
}

export interface EntityTotal {
  readonly type: EntityType
  readonly value: string
  /** In how many documents. */
  readonly documents: number
  /** How often, over all documents. */
  readonly count: number
}

export interface Total {
  readonly value: string
  readonly documents: number
}

export function countAll(database: DatabaseSync): IndexCounts {
  const count = (table: string): number =>
    Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
  return { files: count('files'), documents: count('documents'), failures: count('failures') }
}

/** The entities that most documents name. */
export function topEntities(database: DatabaseSync, type: EntityType, limit: number): EntityTotal[] {
  const rows = database
    .prepare(
      `SELECT value, count(*) AS documents, sum(count) AS count FROM entities WHERE type = ?
       GROUP BY value ORDER BY documents DESC, count DESC, value LIMIT ?`,
    )
    .all(type, limit)
  return rows.map((row) => ({
    type,
    value: String(row['value']),
    documents: Number(row['documents']),
    count: Number(row['count']),
  }))
}

/** How many documents have each class, tag, type or language, most first. */
export function topValues(database: DatabaseSync, of: 'class' | 'tag' | 'type' | 'language', limit: number): Total[] {
  const table = { class: 'classes', tag: 'tags', type: 'documents', language: 'documents' }[of]
  const rows = database
    .prepare(
      `SELECT ${of} AS value, count(*) AS documents FROM ${table} WHERE ${of} IS NOT NULL
       GROUP BY ${of} ORDER BY documents DESC, value LIMIT ?`,
    )
    .all(limit)
  return rows.map((row) => ({ value: String(row['value']), documents: Number(row['documents']) }))
}

/** In how many documents a word stands. The word is compared as the index keeps it: lower case, without accents. */
export function documentFrequency(database: DatabaseSync, word: string): number {
  const row = database.prepare('SELECT doc FROM documents_terms WHERE term = ?').get(word)
  return Number(row?.['doc'] ?? 0)
}
