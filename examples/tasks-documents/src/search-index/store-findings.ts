import type { DatabaseSync } from 'node:sqlite'
import type { Entity } from '../entities/entity.ts'
import type { Structure } from '../structure/structure.ts'
import { inTransaction } from './open-database.ts'
import type { Lacking } from './selection.ts'

/** What an analysis found in a document. The kind says which table keeps it. */
export type Finding =
  | { readonly kind: 'entities'; readonly entities: readonly Entity[] }
  | { readonly kind: 'class'; readonly class: string; readonly confidence: number }
  | { readonly kind: 'tags'; readonly tags: readonly Tag[] }
  | { readonly kind: 'structure'; readonly structure: Structure }
  | { readonly kind: 'translation'; readonly language: string; readonly title: string; readonly text: string }

export interface Tag {
  readonly tag: string
  readonly weight: number
}

/** The name under which the index notes that a document was seen: each target language is an analysis of its own. */
export function analysisKind(finding: { readonly kind: string; readonly language?: string }): string {
  return finding.language === undefined ? finding.kind : `${finding.kind}:${finding.language}`
}

/**
 * Keeps what was found, in place of what an earlier run found, and notes the version of the method.
 *
 * @returns false when the document has left the index meanwhile.
 */
export function putFinding(database: DatabaseSync, documentId: number, found: Finding & { version: string }): boolean {
  return inTransaction(database, () => {
    if (database.prepare('SELECT 1 FROM documents WHERE id = ?').get(documentId) === undefined) return false
    writeFinding(database, documentId, found)
    database
      .prepare('INSERT OR REPLACE INTO analyses (document_id, kind, version) VALUES (?, ?, ?)')
      .run(documentId, analysisKind(found), found.version)
    return true
  })
}

function writeFinding(database: DatabaseSync, id: number, finding: Finding): void {
  switch (finding.kind) {
    case 'entities':
      return putEntities(database, id, finding.entities)
    case 'tags':
      return putTags(database, id, finding.tags)
    case 'class':
      return putRow(database, 'classes', { document_id: id, class: finding.class, confidence: finding.confidence })
    case 'structure':
      return putRow(database, 'structures', { document_id: id, structure: JSON.stringify(finding.structure) })
    case 'translation': {
      const { language, title, text } = finding
      return putRow(database, 'translations', { document_id: id, language, title, text })
    }
  }
}

function putRow(database: DatabaseSync, table: string, row: Record<string, string | number>): void {
  const columns = Object.keys(row)
  const sql = `INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
  database.prepare(sql).run(...Object.values(row))
}

function putEntities(database: DatabaseSync, id: number, entities: readonly Entity[]): void {
  database.prepare('DELETE FROM entities WHERE document_id = ?').run(id)
  const insert = database.prepare('INSERT INTO entities VALUES (?, ?, ?, ?, ?)')
  for (const { type, value, count, offsets } of entities) insert.run(id, type, value, count, JSON.stringify(offsets))
}

function putTags(database: DatabaseSync, id: number, tags: readonly Tag[]): void {
  database.prepare('DELETE FROM tags WHERE document_id = ?').run(id)
  const insert = database.prepare('INSERT INTO tags VALUES (?, ?, ?)')
  for (const { tag, weight } of tags) insert.run(id, tag, weight)
}

/** All that was found in one document. */
export interface Findings {
  readonly entities: readonly Entity[]
  readonly class?: { readonly class: string; readonly confidence: number } | undefined
  readonly tags: readonly Tag[]
  readonly structure?: Structure | undefined
  readonly translations: readonly { readonly language: string; readonly title: string; readonly text: string }[]
}

export function getFindings(database: DatabaseSync, id: number): Findings {
  const all = (sql: string): Record<string, unknown>[] => database.prepare(sql).all(id)
  const structure = all('SELECT structure FROM structures WHERE document_id = ?')[0]
  const entities = all('SELECT type, value, count, offsets FROM entities WHERE document_id = ? ORDER BY type, value')
  const tags = all('SELECT tag, weight FROM tags WHERE document_id = ? ORDER BY weight DESC, tag')
  const translations = all('SELECT language, title, text FROM translations WHERE document_id = ? ORDER BY language')
  return {
    entities: entities.map((row) => ({ ...row, offsets: JSON.parse(String(row['offsets'])) as unknown }) as Entity),
    class: all('SELECT class, confidence FROM classes WHERE document_id = ?').map((row) => ({
      class: String(row['class']),
      confidence: Number(row['confidence']),
    }))[0],
    tags: tags.map((row) => ({ tag: String(row['tag']), weight: Number(row['weight']) })),
    structure: structure === undefined ? undefined : (JSON.parse(String(structure['structure'])) as Structure),
    translations: translations.map((row) => ({
      language: String(row['language']),
      title: String(row['title']),
      text: String(row['text']),
    })),
  }
}

/** Whether this document was seen by this version of the analysis. */
export function isAnalysed(database: DatabaseSync, id: number, { kind, version }: Lacking): boolean {
  const sql = 'SELECT 1 FROM analyses WHERE document_id = ? AND kind = ? AND version = ?'
  return database.prepare(sql).get(id, kind, version) !== undefined
}
