import { extname } from 'node:path'
import { fileTypeFromBuffer } from 'file-type'
import { DocumentError } from '../failure.ts'
import type { DocumentType } from './document.ts'

const BY_EXTENSION: Readonly<Record<string, DocumentType>> = {
  '.pdf': 'pdf',
  '.docx': 'docx',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
  '.eml': 'email',
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.txt': 'text',
  '.text': 'text',
  '.log': 'text',
}

const DOCX_MIME = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

/**
 * Tells the format of a document. What the bytes say wins over the extension; among texts, which all look alike, the
 * extension decides.
 *
 * @throws DocumentError `Unsupported`, `Encrypted`, `Truncated` or `Corrupt`, with a message that names what was found.
 */
export async function detectType(name: string, bytes: Uint8Array): Promise<DocumentType> {
  const claimed = BY_EXTENSION[extname(name).toLowerCase()]
  if (startsWithPdfHeader(bytes)) return 'pdf'
  const found = await fileTypeFromBuffer(bytes)
  if (found?.mime === DOCX_MIME) return 'docx'
  if (claimed === 'docx' || claimed === 'pdf') throw notWhatItClaims(claimed, bytes, found?.mime)
  if (found !== undefined && !isTextMime(found.mime)) throw unsupported(found.mime)
  return textType(claimed, bytes)
}

function startsWithPdfHeader(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 1024)).includes('%PDF-')
}

function notWhatItClaims(claimed: 'docx' | 'pdf', bytes: Uint8Array, mime: string | undefined): DocumentError {
  if (mime === 'application/x-cfb' && Buffer.from(bytes).includes(Buffer.from('EncryptedPackage', 'utf16le'))) {
    return new DocumentError('Encrypted', 'The document is protected by a password')
  }
  if (claimed === 'docx' && mime === 'application/zip') {
    return new DocumentError('Corrupt', 'A zip archive without a Word document in it')
  }
  const content = mime === undefined ? '' : `: its content is ${mime}`
  return new DocumentError('Corrupt', `Has the extension .${claimed} and is none${content}`)
}

function unsupported(mime: string): DocumentError {
  const advice = mime === 'application/x-cfb' ? ' (an old Office file: save it as .docx)' : ''
  return new DocumentError('Unsupported', `${mime} is not read${advice}`)
}

function isTextMime(mime: string): boolean {
  return mime.startsWith('text/') || mime === 'message/rfc822' || mime === 'application/xml'
}

function textType(claimed: DocumentType | undefined, bytes: Uint8Array): DocumentType {
  if (claimed !== undefined) return claimed
  const start = Buffer.from(bytes.subarray(0, 4096)).toString('latin1').trimStart()
  if (/^(<!doctype html|<html[\s>])/i.test(start)) return 'html'
  if (looksLikeEmail(start)) return 'email'
  return 'text'
}

/** At least three header lines that every mail has, before the first blank line. */
function looksLikeEmail(start: string): boolean {
  const head = start.split(/\r?\n\r?\n/, 1)[0]!
  const names = head.match(/^(from|to|subject|date|message-id|received|return-path|mime-version):/gim) ?? []
  return new Set(names.map((name) => name.toLowerCase())).size >= 3
}
