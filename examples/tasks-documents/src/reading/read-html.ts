import type { CheerioAPI } from 'cheerio/slim'
import { decodeText } from './decode-text.ts'
import type { Extract } from './document.ts'
import { htmlContent, loadHtml } from './html-extract.ts'
import { isoDate } from './iso-date.ts'

/** An HTML page, in the encoding that it declares: visible text, tables, title, author, date. */
export function readHtml(bytes: Uint8Array): Extract {
  const page = loadHtml(decodeText(bytes, declaredCharset(bytes)))
  const { title, text, tables } = htmlContent(page)
  const author = metaOf(page, ['author', 'article:author', 'dc.creator'])
  const createdAt = isoDate(metaOf(page, ['article:published_time', 'date', 'dc.date', 'dcterms.created']))
  const description = metaOf(page, ['description', 'og:description'])
  const language = page('html').attr('lang')?.slice(0, 2).toLowerCase() || undefined
  return {
    title,
    text,
    tables,
    author,
    createdAt,
    language,
    metadata: description === undefined ? {} : { description },
  }
}

function declaredCharset(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 2048)).toString('latin1')
  return /<meta[^>]+charset\s*=\s*["']?\s*([\w:-]+)/i.exec(head)?.[1]
}

function metaOf(page: CheerioAPI, names: readonly string[]): string | undefined {
  for (const name of names) {
    const content = page(`meta[name="${name}" i], meta[property="${name}" i]`).first().attr('content')?.trim()
    if (content) return content
  }
  return undefined
}
