import { marked } from 'marked'
import { parse } from 'yaml'
import { decodeText } from './decode-text.ts'
import type { Extract } from './document.ts'
import { htmlContent, loadHtml } from './html-extract.ts'
import { isoDate } from './iso-date.ts'

/** Markdown with optional YAML front matter (title, author, date). The text is what a reader of the rendered page sees. */
export async function readMarkdown(bytes: Uint8Array): Promise<Extract> {
  const { frontMatter, body } = splitFrontMatter(decodeText(bytes))
  const { title, text, tables } = htmlContent(loadHtml(await marked.parse(body)))
  return {
    title: stringOf(frontMatter['title']) ?? title,
    text,
    tables,
    author: stringOf(frontMatter['author']),
    createdAt: isoDate(frontMatter['date']),
  }
}

function splitFrontMatter(text: string): { frontMatter: Record<string, unknown>; body: string } {
  const match = /^---\n([\s\S]*?)\n---[ \t]*(?:\n|$)/.exec(text)
  const frontMatter = match === null ? undefined : parseFrontMatter(match[1]!)
  // Front matter that is no YAML mapping is part of the text: nothing is lost.
  if (match === null || frontMatter === undefined) return { frontMatter: {}, body: text }
  return { frontMatter, body: text.slice(match[0].length) }
}

function parseFrontMatter(yaml: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = parse(yaml, { maxAliasCount: 0 })
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}
