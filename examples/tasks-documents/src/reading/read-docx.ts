import * as cheerio from 'cheerio/slim'
import { strFromU8, unzipSync } from 'fflate'
import mammoth from 'mammoth'
import { DocumentError } from '../failure.ts'
import type { Extract } from './document.ts'
import { htmlContent, loadHtml } from './html-extract.ts'
import { isoDate } from './iso-date.ts'

/** What the parts of a file may unpack to, together: a defence against archives made to fill the memory. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const CORE_PROPERTIES = 'docProps/core.xml'

/**
 * A Word document: headings, paragraphs and tables in their order; title, author and date from its properties.
 *
 * @throws DocumentError `Truncated`, `Corrupt` or `TooLarge`.
 */
export async function readDocx(bytes: Uint8Array): Promise<Extract> {
  const properties = coreProperties(unpackProperties(bytes))
  const { value: html } = await convert(bytes)
  const { title, text, tables } = htmlContent(loadHtml(html))
  return { ...properties, title: properties.title ?? title, text, tables }
}

function unpackProperties(bytes: Uint8Array): string | undefined {
  try {
    let unpacked = 0
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        unpacked += originalSize
        return name === CORE_PROPERTIES && originalSize < MAX_UNPACKED_BYTES
      },
    })
    if (unpacked > MAX_UNPACKED_BYTES) throw new DocumentError('TooLarge', `Unpacks to ${unpacked} bytes`)
    const properties = files[CORE_PROPERTIES]
    return properties === undefined ? undefined : strFromU8(properties)
  } catch (error) {
    throw error instanceof DocumentError ? error : archiveError(bytes, error)
  }
}

/** A zip archive ends with its table of contents: where that is missing, so is the end of the file. */
function archiveError(bytes: Uint8Array, cause: unknown): DocumentError {
  const tail = Buffer.from(bytes.subarray(-65_557))
  if (!tail.includes('PK\u0005\u0006')) {
    return new DocumentError('Truncated', 'The end of the file is missing', { cause })
  }
  return new DocumentError('Corrupt', 'The archive inside the document is damaged', { cause })
}

async function convert(bytes: Uint8Array): Promise<{ value: string }> {
  try {
    // Pictures would be carried along as base64 otherwise.
    const convertImage = mammoth.images.imgElement(() => Promise.resolve({ src: '' }))
    return await mammoth.convertToHtml({ buffer: Buffer.from(bytes) }, { convertImage })
  } catch (cause) {
    throw new DocumentError('Corrupt', 'The document inside the archive is damaged', { cause })
  }
}

function coreProperties(xml: string | undefined): Pick<Extract, 'title' | 'author' | 'createdAt'> {
  if (xml === undefined) return {}
  const properties = cheerio.load(xml, { xml: true })
  const textOf = (tag: string): string | undefined => properties(tag).first().text().trim() || undefined
  return {
    title: textOf('dc\\:title'),
    author: textOf('dc\\:creator'),
    createdAt: isoDate(textOf('dcterms\\:created')),
  }
}
