import { decodeText } from './decode-text.ts'
import type { Extract } from './document.ts'

const MAX_TITLE = 120

/** Plain text. Its title is its first line that is not blank, when that line is short. */
export function readText(bytes: Uint8Array): Extract {
  const text = decodeText(bytes).trim()
  return { title: titleLine(text), text }
}

/** The first line, when it is short enough for a title and does not run on as a sentence. */
export function titleLine(text: string): string | undefined {
  const line = text.trimStart().split('\n', 1)[0]!.trim()
  return line === '' || line.length > MAX_TITLE || line.endsWith(',') ? undefined : line
}
