import { getDocumentProxy, getMeta } from 'unpdf'
import { DocumentError } from '../failure.ts'
import type { Extract, ReaderOptions } from './document.ts'
import { isoDate } from './iso-date.ts'

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>

/**
 * The text layer of a PDF, page by page, and its properties.
 *
 * @throws DocumentError `Encrypted`, `Truncated` or `Corrupt`. A PDF without a text layer gives an empty text.
 */
export async function readPdf(bytes: Uint8Array, options: ReaderOptions): Promise<Extract> {
  const pdf = await openPdf(bytes)
  try {
    const properties = await pdfProperties(pdf)
    const text = await pagesText(pdf, options)
    return { ...properties, text, metadata: { ...properties.metadata, pages: String(pdf.numPages) } }
  } finally {
    await pdf.loadingTask.destroy()
  }
}

async function openPdf(bytes: Uint8Array): Promise<Pdf> {
  try {
    // The reader takes the bytes away from their owner, so it gets a copy; it stays silent about what it mends.
    return await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0 })
  } catch (error) {
    throw pdfError(bytes, error)
  }
}

function pdfError(bytes: Uint8Array, cause: unknown): DocumentError {
  if (cause instanceof Error && cause.name === 'PasswordException') {
    return new DocumentError('Encrypted', 'The document is protected by a password', { cause })
  }
  if (!Buffer.from(bytes.subarray(-2048)).includes('%%EOF')) {
    return new DocumentError('Truncated', 'The end of the file is missing', { cause })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DocumentError('Corrupt', `No valid PDF: ${reason}`, { cause })
}

async function pagesText(pdf: Pdf, options: ReaderOptions): Promise<string> {
  const pages: string[] = []
  let length = 0
  for (let number = 1; number <= pdf.numPages && length < options.maxCharacters; number += 1) {
    options.signal?.throwIfAborted()
    const text = await pageText(pdf, number)
    pages.push(text)
    length += text.length
  }
  return pages.join('\n\n').trim()
}

async function pageText(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number)
  const { items } = await page.getTextContent()
  const parts = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
  page.cleanup()
  return parts.join('')
}

async function pdfProperties(pdf: Pdf): Promise<Omit<Extract, 'text'>> {
  const { info } = await getMeta(pdf, { parseDates: true })
  const creator = stringOf(info['Creator'])
  return {
    title: stringOf(info['Title']),
    author: stringOf(info['Author']),
    createdAt: isoDate(info['CreationDate']),
    metadata: creator === undefined ? {} : { creator },
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
