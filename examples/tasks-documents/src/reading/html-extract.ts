import * as cheerio from 'cheerio/slim'
import { isTag, isText, type AnyNode, type Element } from 'domhandler'
import type { Table } from './document.ts'

/** The text and tables of an HTML tree; also the last step for DOCX, Markdown and HTML e-mails. */
export interface HtmlContent {
  readonly title?: string | undefined
  readonly text: string
  readonly tables: readonly Table[]
}

const LEFT_OUT = 'script, style, noscript, template, svg, iframe, object'
const BLOCKS = new Set(
  (
    'address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form ' +
    'header hr html li main nav ol p pre section table tbody tfoot thead tr ul'
  ).split(' '),
)
const MAX_TABLES = 50
const MAX_ROWS = 500

/** A page without what is never shown. */
export function loadHtml(html: string): cheerio.CheerioAPI {
  const page = cheerio.load(html)
  page(LEFT_OUT).remove()
  return page
}

export function htmlContent(page: cheerio.CheerioAPI): HtmlContent {
  const title = tidy(page('title').first().text()) || tidy(page('h1').first().text())
  const text = nodeText(page('body').length > 0 ? page('body').get() : page.root().contents().get())
  return { title: title || undefined, text, tables: tablesOf(page) }
}

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** Unicode's own marks for the end of a line and of a paragraph: text of a page never holds them, they are space there. */
const LINE = '\u2028'
const PARAGRAPH = '\u2029'

/** The text as a reader sees it: blocks on lines of their own, cells apart by tabs. */
function nodeText(roots: readonly AnyNode[]): string {
  const parts: string[] = []
  collectText(roots, parts)
  return parts
    .join('')
    .replace(/[ \t\u2028\u2029]+/g, strongestBreak)
    .trim()
}

/** Of a run of breaks the strongest counts. */
function strongestBreak(run: string): string {
  if (run.includes(PARAGRAPH)) return '\n\n'
  if (run.includes(LINE)) return '\n'
  return run.includes('\t') ? '\t' : ' '
}

/** Walks with a stack of its own: pages nested tens of thousands deep exist. */
function collectText(roots: readonly AnyNode[], parts: string[]): void {
  const stack: (AnyNode | string)[] = roots.toReversed()
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (typeof node === 'string') parts.push(node)
    else if (isText(node)) parts.push(inlineText(node.data))
    else if (isTag(node)) visitElement(node, stack, parts)
  }
}

function inlineText(text: string): string {
  return text.replace(/[\s\u00a0]+/g, ' ')
}

function visitElement(node: Element, stack: (AnyNode | string)[], parts: string[]): void {
  const end = boundaryOf(node.name)
  if (node.name === 'br') parts.push(LINE)
  if (end === LINE || end === PARAGRAPH) parts.push(end)
  if (end !== undefined) stack.push(end)
  stack.push(...contentsOf(node))
}

function boundaryOf(name: string): string | undefined {
  if (name === 'td' || name === 'th') return '\t'
  if (name === 'p' || name === 'table' || /^h\d$/.test(name)) return PARAGRAPH
  return BLOCKS.has(name) ? LINE : undefined
}

/** The children in the order of a stack. Word puts the text of a cell into a paragraph, which must not break the row. */
function contentsOf(node: Element): AnyNode[] {
  const elements = node.children.filter(isTag)
  const only = elements.length === 1 ? elements[0] : undefined
  const isCell = node.name === 'td' || node.name === 'th'
  return (isCell && only?.name === 'p' ? only.children : node.children).toReversed()
}

function tablesOf(page: cheerio.CheerioAPI): Table[] {
  const innermost = page('table')
    .toArray()
    .filter((table) => page(table).find('table').length === 0)
  return innermost
    .slice(0, MAX_TABLES)
    .map((table) => rowsOf(page, table))
    .filter((rows) => rows.length > 1 && rows.some((row) => row.length > 1))
}

function rowsOf(page: cheerio.CheerioAPI, table: AnyNode): Table {
  const rows = page(table).find('tr').toArray().slice(0, MAX_ROWS)
  return rows.map((row) =>
    page(row)
      .find('th, td')
      .toArray()
      .map((cell) => tidy(page(cell).text())),
  )
}
