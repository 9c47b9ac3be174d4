/** Grows by one with every change of the tables below. */
export const SCHEMA_VERSION = 1

/** Marks the database file as ours ("dsDo"), so that another program's database is never written to. */
export const APPLICATION_ID = 0x6473446f

/**
 * Grows when documents are read differently: files that were read by an older version are read again by the next run.
 */
export const READER_VERSION = 1

/**
 * A file holds one document, or an e-mail and its attachments. What is found in a document goes with it when its file
 * changes. `documents_fts` keeps the words only; the texts stay in `documents`. Accents and case make no difference to it.
 */
export const SCHEMA = `
CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_at TEXT NOT NULL,
  reader_version INTEGER NOT NULL
) STRICT;

CREATE TABLE documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
  path TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  author TEXT,
  created_at TEXT,
  language TEXT,
  metadata TEXT NOT NULL,
  tables TEXT NOT NULL
) STRICT;
CREATE INDEX documents_file ON documents(file_id);

CREATE VIRTUAL TABLE documents_fts USING fts5(
  title, name, text, content = 'documents', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE documents_terms USING fts5vocab(documents_fts, 'row');
CREATE TRIGGER documents_inserted AFTER INSERT ON documents BEGIN
  INSERT INTO documents_fts(rowid, title, name, text) VALUES (new.id, new.title, new.name, new.text);
END;
CREATE TRIGGER documents_deleted AFTER DELETE ON documents BEGIN
  INSERT INTO documents_fts(documents_fts, rowid, title, name, text)
  VALUES ('delete', old.id, old.title, old.name, old.text);
END;

CREATE TABLE failures (
  path TEXT PRIMARY KEY,
  file TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX failures_file ON failures(file);

CREATE TABLE analyses (
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (document_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE entities (
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  value TEXT NOT NULL,
  count INTEGER NOT NULL,
  offsets TEXT NOT NULL,
  PRIMARY KEY (document_id, type, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX entities_value ON entities(type, value, count);

CREATE TABLE classes (
  document_id INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
  class TEXT NOT NULL,
  confidence REAL NOT NULL
) STRICT;

CREATE TABLE tags (
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  weight REAL NOT NULL,
  PRIMARY KEY (document_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_tag ON tags(tag);

CREATE TABLE structures (
  document_id INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
  structure TEXT NOT NULL
) STRICT;

CREATE TABLE translations (
  document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  language TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (document_id, language)
) STRICT;
`
