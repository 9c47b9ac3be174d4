import { DocumentError } from '../failure.ts'

/**
 * Turns the bytes of a text into a string: by its byte order mark, by `declared` (as an HTML page or a part of an e-mail
 * names it), as UTF-8 where the bytes are valid UTF-8, and as Windows-1252 (Latin-1 with its quotes and dashes) otherwise.
 * Line ends become `\n`.
 *
 * @throws DocumentError `Unsupported` when the bytes are no text.
 */
export function decodeText(bytes: Uint8Array, declared?: string): string {
  const encoding = markedEncoding(bytes) ?? knownEncoding(declared) ?? guessEncoding(bytes)
  const text = new TextDecoder(encoding).decode(bytes)
  if (hasControlCharacters(text)) throw new DocumentError('Unsupported', 'Binary data, not a text')
  return text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

function knownEncoding(label: string | undefined): string | undefined {
  if (label === undefined) return undefined
  try {
    return new TextDecoder(label.trim()).encoding
  } catch {
    return undefined
  }
}

function guessEncoding(bytes: Uint8Array): string {
  const zeros = zeroShares(bytes.subarray(0, 4096))
  if (zeros.odd > 0.4 && zeros.even < 0.05) return 'utf-16le'
  if (zeros.even > 0.4 && zeros.odd < 0.05) return 'utf-16be'
  return isUtf8(bytes) ? 'utf-8' : 'windows-1252'
}

/** How many of the bytes at even and odd places are zero: UTF-16 of a western text has every other byte zero. */
function zeroShares(bytes: Uint8Array): { even: number; odd: number } {
  const count = { even: 0, odd: 0 }
  bytes.forEach((byte, index) => {
    if (byte === 0) count[index % 2 === 0 ? 'even' : 'odd'] += 1
  })
  const half = Math.max(1, bytes.length / 2)
  return { even: count.even / half, odd: count.odd / half }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

/** A few stray ones are met in real texts; a share of them means binary data. */
function hasControlCharacters(text: string): boolean {
  const sample = text.slice(0, 8192)
  let found = 0
  for (let index = 0; index < sample.length; index += 1) if (isControl(sample.charCodeAt(index))) found += 1
  return found > sample.length / 100
}

/** Control characters other than tab, line ends, form feed and escape. */
function isControl(code: number): boolean {
  return code < 32 && !(code >= 9 && code <= 13) && code !== 27
}
