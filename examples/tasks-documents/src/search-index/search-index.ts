import type { DatabaseSync } from 'node:sqlite'
import type { EntityType } from '../entities/entity.ts'
import type { DocumentFailure } from '../failure.ts'
import type { ReadOutcome } from '../reading/read-document.ts'
import { openDatabase, type OpenOptions } from './open-database.ts'
import { searchDocuments, type Hit, type SearchOptions } from './search.ts'
import { countSelected, selectIds, type Lacking, type Selection } from './selection.ts'
import {
  getDocument,
  getFile,
  isCurrent,
  listFailures,
  putFailure,
  putFile,
  type FileState,
  type IndexedDocument,
  type PutOutcome,
} from './store-files.ts'
import { getFindings, isAnalysed, putFinding, type Finding, type Findings } from './store-findings.ts'
import {
  countAll,
  documentFrequency,
  topEntities,
  topValues,
  type EntityTotal,
  type IndexCounts,
  type Total,
} from './totals.ts'

/**
 * The documents, their words and what was found in them, in one file on the disk. Any number of processes may read and write
 * it at once; each write is complete or not there at all.
 */
export class SearchIndex {
  readonly path: string
  readonly #database: DatabaseSync

  private constructor(path: string, database: DatabaseSync) {
    this.path = path
    this.#database = database
  }

  /**
   * Opens the index in this file, making it where it is missing.
   *
   * @throws IndexFormatError when the file is something else, or an index of another version.
   */
  static async open(path: string, options: OpenOptions = {}): Promise<SearchIndex> {
    return new SearchIndex(path, await openDatabase(path, options))
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Whether the index holds the file at `path` with the content of this hash. */
  isCurrent(path: string, hash: string): boolean {
    return isCurrent(this.#database, path, hash)
  }

  /** Puts a file with its documents in, in place of what the index held of it. What was found in the old content goes. */
  putFile(file: FileState, content: ReadOutcome): PutOutcome {
    return putFile(this.#database, file, content)
  }

  /** Notes that a file could not be read. Its documents go, unless it is only missing or unreadable. */
  putFailure(failure: DocumentFailure): void {
    putFailure(this.#database, failure)
  }

  failures(options: { file?: string; limit?: number } = {}): DocumentFailure[] {
    return listFailures(this.#database, { file: options.file, limit: options.limit ?? 1000 })
  }

  document(id: number): IndexedDocument | undefined {
    return getDocument(this.#database, id)
  }

  /** The file that holds a document: its own, or for an attachment the e-mail's. */
  fileOf(id: number): string | undefined {
    return getFile(this.#database, id)
  }

  /** Ids of the selected documents, in the order they came in; with `lacking`, of those an analysis has not seen. */
  ids(selection: Selection = {}, lacking?: Lacking): Generator<number, void, undefined> {
    return selectIds(this.#database, selection, lacking)
  }

  count(selection: Selection = {}, lacking?: Lacking): number {
    return countSelected(this.#database, selection, lacking)
  }

  /** The best matches first. @throws QuerySyntaxError */
  search(selection: Selection & { readonly query: string }, options: SearchOptions = {}): Hit[] {
    return searchDocuments(this.#database, selection, options)
  }

  /** Keeps a finding of a document in place of an earlier one. False when the document has left the index. */
  putFinding(documentId: number, finding: Finding & { version: string }): boolean {
    return putFinding(this.#database, documentId, finding)
  }

  findings(documentId: number): Findings {
    return getFindings(this.#database, documentId)
  }

  isAnalysed(documentId: number, analysis: Lacking): boolean {
    return isAnalysed(this.#database, documentId, analysis)
  }

  counts(): IndexCounts {
    return countAll(this.#database)
  }

  topEntities(type: EntityType, limit: number): EntityTotal[] {
    return topEntities(this.#database, type, limit)
  }

  topValues(of: 'class' | 'tag' | 'type' | 'language', limit: number): Total[] {
    return topValues(this.#database, of, limit)
  }

  /** In how many documents a word stands, in lower case and without accents. */
  documentFrequency(word: string): number {
    return documentFrequency(this.#database, word)
  }
}
