import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadSqlite } from './load-sqlite.ts'
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts'

/** Thrown when the file is no index, or an index of another version. */
export class IndexFormatError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'IndexFormatError'
  }
}

export interface OpenOptions {
  /** How long a write waits, in milliseconds, while another process writes. Default 15,000. */
  readonly busyTimeout?: number
}

/** Opens the database, made where it is missing, for any number of processes at once. */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<DatabaseSync> {
  const busyTimeout = options.busyTimeout ?? 15_000
  await mkdir(dirname(path), { recursive: true })
  const sqlite = loadSqlite()
  const database = new sqlite.DatabaseSync(path)
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeout}`)
    await untilUnlocked(busyTimeout, () => database.exec('PRAGMA journal_mode = WAL'))
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    inTransaction(database, () => prepareSchema(database, path))
    return database
  } catch (error) {
    database.close()
    throw explained(error, path)
  }
}

/** SQLite does not wait by itself while several processes turn a new file into a write-ahead log. */
async function untilUnlocked(limit: number, action: () => void): Promise<void> {
  const end = performance.now() + limit
  for (;;) {
    try {
      action()
      return
    } catch (error) {
      if (!isLocked(error) || performance.now() > end) throw error
      await sleep(10 + Math.random() * 20)
    }
  }
}

function isLocked(error: unknown): boolean {
  const SQLITE_BUSY = 5
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === SQLITE_BUSY
}

function explained(error: unknown, path: string): unknown {
  const SQLITE_NOTADB = 26
  if (!(error instanceof Error && 'errcode' in error && error.errcode === SQLITE_NOTADB)) return error
  return new IndexFormatError(`${path} is no search index: choose another path`)
}

/** Runs `action` in a write transaction; a throw undoes it all. */
export function inTransaction<T>(database: DatabaseSync, action: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const value = action()
    database.exec('COMMIT')
    return value
  } catch (error) {
    // The commit itself may have failed, and SQLite may have rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = numberOf(database, 'user_version')
  const application = numberOf(database, 'application_id')
  if (version === 0 && application === 0 && isBlank(database)) {
    database.exec(SCHEMA)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID}`)
  } else if (application !== APPLICATION_ID) {
    throw new IndexFormatError(`${path} is a database of another program: choose another path`)
  } else if (version !== SCHEMA_VERSION) {
    const advice = version > SCHEMA_VERSION ? 'update @ds/tasks-documents' : 'delete it and index the documents again'
    throw new IndexFormatError(
      `${path} has version ${version}, this package writes version ${SCHEMA_VERSION}: ${advice}`,
    )
  }
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
}

function isBlank(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined
}
