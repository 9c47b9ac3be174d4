import { basename } from 'node:path'
import { DocumentError, failureOf, type DocumentFailure } from '../failure.ts'
import type { Attachment, DocumentType, Extract, ReadDocument, Reader, ReaderOptions } from './document.ts'
import { readText, titleLine } from './read-text.ts'

/** Each format's library is loaded with its first document. */
const READERS: Readonly<Record<DocumentType, Reader>> = {
  pdf: async (bytes, options) => (await import('./read-pdf.ts')).readPdf(bytes, options),
  docx: async (bytes) => (await import('./read-docx.ts')).readDocx(bytes),
  html: async (bytes) => (await import('./read-html.ts')).readHtml(bytes),
  email: async (bytes) => (await import('./read-email.ts')).readEmail(bytes),
  markdown: async (bytes) => (await import('./read-markdown.ts')).readMarkdown(bytes),
  text: readText,
}

/** Mails within mails are read this deep. */
const MAX_DEPTH = 4

/** What one file gave: itself and its attachments, and those of them that could not be read. */
export interface ReadOutcome {
  readonly documents: readonly ReadDocument[]
  readonly failures: readonly DocumentFailure[]
}

/**
 * Reads one document and, for an e-mail, its attachments. Whatever is wrong with the bytes becomes a failure in the
 * answer; only the signal's reason is thrown.
 */
export async function readDocument(path: string, bytes: Uint8Array, options: ReaderOptions): Promise<ReadOutcome> {
  const outcome = { documents: [] as ReadDocument[], failures: [] as DocumentFailure[] }
  await readInto(outcome, { path, name: basename(path), bytes, depth: 0 }, options)
  return outcome
}

interface Source {
  readonly path: string
  readonly name: string
  readonly bytes: Uint8Array
  readonly depth: number
}

async function readInto(
  outcome: { documents: ReadDocument[]; failures: DocumentFailure[] },
  source: Source,
  options: ReaderOptions,
): Promise<void> {
  options.signal?.throwIfAborted()
  try {
    const { document, attachments } = await readOne(source, options)
    outcome.documents.push(document)
    for (const part of attachmentSources(source, attachments)) await readInto(outcome, part, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    outcome.failures.push(failureOf(source.path, error))
  }
}

async function readOne(
  source: Source,
  options: ReaderOptions,
): Promise<{ document: ReadDocument; attachments: readonly Attachment[] }> {
  if (source.bytes.length === 0) throw new DocumentError('Empty', 'The file is empty')
  if (source.depth > MAX_DEPTH) throw new DocumentError('Unsupported', `Mails within mails are read ${MAX_DEPTH} deep`)
  const { detectType } = await import('./detect-type.ts')
  const type = await detectType(source.name, source.bytes)
  const extract = await READERS[type](source.bytes, options)
  const document = await toDocument(source, { type, extract, options })
  if (document.text === '' && type !== 'email') throw new DocumentError('NoText', noTextMessage(type))
  return { document, attachments: extract.attachments ?? [] }
}

async function toDocument(
  source: Source,
  { type, extract, options }: { type: DocumentType; extract: Extract; options: ReaderOptions },
): Promise<ReadDocument> {
  const { languageOf } = await import('./language.ts')
  const text = wellFormed(extract.text).slice(0, options.maxCharacters)
  return {
    path: source.path,
    name: source.name,
    type,
    title: wellFormed(extract.title ?? titleLine(text) ?? source.name),
    text,
    author: extract.author,
    createdAt: extract.createdAt,
    language: languageOf(text) ?? extract.language,
    metadata: extract.metadata ?? {},
    tables: extract.tables ?? [],
  }
}

/** Zero bytes end a text inside the index, and half a surrogate pair cannot be stored. */
function wellFormed(text: string): string {
  return text.replaceAll('\u0000', ' ').toWellFormed()
}

function noTextMessage(type: DocumentType): string {
  return type === 'pdf' ? 'No text layer: a scan needs text recognition first' : 'No text in it'
}

function attachmentSources(source: Source, attachments: readonly Attachment[]): Source[] {
  const taken = new Set<string>()
  return attachments.map(({ name, bytes }) => {
    const unique = uniqueName(name, taken)
    return { path: `${source.path}#${unique}`, name: unique, bytes, depth: source.depth + 1 }
  })
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name
  for (let number = 2; taken.has(unique); number += 1) unique = `${name} (${number})`
  taken.add(unique)
  return unique
}
