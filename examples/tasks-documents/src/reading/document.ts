/** The formats that are read. */
export const DOCUMENT_TYPES = ['pdf', 'docx', 'html', 'email', 'markdown', 'text'] as const
export type DocumentType = (typeof DOCUMENT_TYPES)[number]

/** Rows of cells, the heading row included. */
export type Table = readonly (readonly string[])[]

/** What a reader takes out of the bytes of one document. */
export interface Extract {
  readonly title?: string | undefined
  readonly text: string
  readonly author?: string | undefined
  /** When the document says it was written: ISO 8601, with a time zone unless only a day is known. */
  readonly createdAt?: string | undefined
  /** ISO 639-1, as the document declares it: used when the text itself does not tell. */
  readonly language?: string | undefined
  /** What the format knows beyond this: the recipients of an e-mail, the number of pages, ... */
  readonly metadata?: Readonly<Record<string, string>>
  readonly tables?: readonly Table[]
  readonly attachments?: readonly Attachment[]
}

export interface Attachment {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A document as it goes into the index. */
export interface ReadDocument {
  /** Of the file; for an attachment `mail.eml#name`. */
  readonly path: string
  readonly name: string
  readonly type: DocumentType
  readonly title: string
  readonly text: string
  readonly author?: string | undefined
  readonly createdAt?: string | undefined
  /** ISO 639-1, when the text is long enough to tell. */
  readonly language?: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly tables: readonly Table[]
}

/** How a reader is asked: it looks at the signal between pages and parts. */
export interface ReaderOptions {
  readonly signal?: AbortSignal | undefined
  /** Characters of text kept of one document. */
  readonly maxCharacters: number
}

export type Reader = (bytes: Uint8Array, options: ReaderOptions) => Promise<Extract> | Extract
