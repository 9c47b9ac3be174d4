import type { DatabaseSync } from 'node:sqlite'
import type { DocumentFailure, FailureCode } from '../failure.ts'
import type { DocumentType, ReadDocument, Table } from '../reading/document.ts'
import { inTransaction } from './open-database.ts'
import { READER_VERSION } from './schema.ts'

/** A file on the disk, as it was when it was read. */
export interface FileState {
  readonly path: string
  readonly hash: string
  readonly size: number
  readonly modifiedAt: string
}

export interface IndexedDocument extends ReadDocument {
  readonly id: number
  /** The file that holds it: its own, or for an attachment the e-mail's. */
  readonly file: string
}

/** What became of a file: `unchanged` when the index holds it as it is. */
export type PutOutcome = 'added' | 'replaced' | 'unchanged'

/** Whether the index holds this file with this content, read by this version of the readers. */
export function isCurrent(database: DatabaseSync, path: string, hash: string): boolean {
  const row = database.prepare('SELECT hash, reader_version FROM files WHERE path = ?').get(path)
  return row?.['hash'] === hash && row['reader_version'] === READER_VERSION
}

/** Puts a file with its documents into the index, in place of what the index held of that file; all of it or nothing. */
export function putFile(
  database: DatabaseSync,
  file: FileState,
  content: { readonly documents: readonly ReadDocument[]; readonly failures: readonly DocumentFailure[] },
): PutOutcome {
  return inTransaction(database, () => {
    // Another process may have been quicker: what it and others found in these documents since is kept.
    if (isCurrent(database, file.path, file.hash)) return 'unchanged'
    const wasThere = removeFile(database, file.path)
    const { lastInsertRowid } = database
      .prepare('INSERT INTO files (path, hash, size, modified_at, reader_version) VALUES (?, ?, ?, ?, ?)')
      .run(file.path, file.hash, file.size, file.modifiedAt, READER_VERSION)
    for (const document of content.documents) insertDocument(database, Number(lastInsertRowid), document)
    for (const failure of content.failures) insertFailure(database, file.path, failure)
    return wasThere ? 'replaced' : 'added'
  })
}

/**
 * Notes that a file could not be read. What the index held of it goes, unless the file is only out of reach for now:
 * missing or unreadable files keep their documents.
 */
export function putFailure(database: DatabaseSync, failure: DocumentFailure): void {
  inTransaction(database, () => {
    const isOutOfReach = failure.code === 'Missing' || failure.code === 'Unreadable'
    if (!isOutOfReach) removeFile(database, failure.path)
    insertFailure(database, failure.path, failure)
  })
}

function removeFile(database: DatabaseSync, path: string): boolean {
  database.prepare('DELETE FROM failures WHERE file = ?').run(path)
  return Number(database.prepare('DELETE FROM files WHERE path = ?').run(path).changes) > 0
}

function insertDocument(database: DatabaseSync, fileId: number, document: ReadDocument): void {
  database
    .prepare(
      `INSERT INTO documents (file_id, path, name, type, title, text, author, created_at, language, metadata, tables)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      fileId,
      document.path,
      document.name,
      document.type,
      document.title,
      document.text,
      document.author ?? null,
      document.createdAt ?? null,
      document.language ?? null,
      JSON.stringify(document.metadata),
      JSON.stringify(document.tables),
    )
}

function insertFailure(database: DatabaseSync, file: string, failure: DocumentFailure): void {
  database
    .prepare('INSERT OR REPLACE INTO failures (path, file, code, message) VALUES (?, ?, ?, ?)')
    .run(failure.path, file, failure.code, failure.message)
}

/** Failures in the order of their paths; of one file when `file` is given. */
export function listFailures(
  database: DatabaseSync,
  { file, limit }: { readonly file?: string | undefined; readonly limit: number },
): DocumentFailure[] {
  const rows = database
    .prepare('SELECT path, code, message FROM failures WHERE :file IS NULL OR file = :file ORDER BY path LIMIT :limit')
    .all({ file: file ?? null, limit })
  return rows.map((row) => ({
    path: String(row['path']),
    code: String(row['code']) as FailureCode,
    message: String(row['message']),
  }))
}

export function getDocument(database: DatabaseSync, id: number): IndexedDocument | undefined {
  const row = database
    .prepare('SELECT d.*, f.path AS file FROM documents AS d JOIN files AS f ON f.id = d.file_id WHERE d.id = ?')
    .get(id)
  if (row === undefined) return undefined
  const optional = (column: string): string | undefined => (row[column] === null ? undefined : String(row[column]))
  return {
    id,
    file: String(row['file']),
    path: String(row['path']),
    name: String(row['name']),
    type: String(row['type']) as DocumentType,
    title: String(row['title']),
    text: String(row['text']),
    author: optional('author'),
    createdAt: optional('created_at'),
    language: optional('language'),
    metadata: JSON.parse(String(row['metadata'])) as Record<string, string>,
    tables: JSON.parse(String(row['tables'])) as Table[],
  }
}

export function getFile(database: DatabaseSync, id: number): string | undefined {
  const sql = 'SELECT f.path AS path FROM documents AS d JOIN files AS f ON f.id = d.file_id WHERE d.id = ?'
  const row = database.prepare(sql).get(id)
  return row === undefined ? undefined : String(row['path'])
}
