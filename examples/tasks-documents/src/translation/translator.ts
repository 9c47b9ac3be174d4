import { TranslationError } from './translation-error.ts'

/** A service that speaks the protocol of LibreTranslate. */
export interface TranslationService {
  /** For instance `http://127.0.0.1:5000`. */
  readonly url: string
  readonly apiKey?: string | undefined
  /** Milliseconds one request may take. Default 60,000. */
  readonly timeout?: number | undefined
}

export interface TranslateOptions {
  /** ISO 639-1, or `auto`. */
  readonly source: string
  readonly target: string
  readonly signal?: AbortSignal | undefined
  /** Share of the text that was translated, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined
}

/** Most services refuse long texts. */
const MAX_CHARACTERS = 1800
const DEFAULT_TIMEOUT = 60_000

/**
 * Translates a text piece by piece, cut between paragraphs or sentences; blank lines and order stay as they are.
 *
 * @throws TranslationError, or the signal's reason.
 */
export async function translateText(
  service: TranslationService,
  text: string,
  options: TranslateOptions,
): Promise<string> {
  const pieces = piecesOf(text)
  const translated: string[] = []
  let done = 0
  for (const piece of pieces) {
    options.signal?.throwIfAborted()
    translated.push(await translatePiece(service, piece, options))
    done += piece.length
    options.onProgress?.(done / text.length)
  }
  return translated.join('')
}

/** White space at the ends of a piece is kept here, since services trim. */
async function translatePiece(service: TranslationService, piece: string, options: TranslateOptions): Promise<string> {
  const [, before = '', words = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(piece) ?? []
  return words === '' ? piece : before + (await request(service, words, options)) + after
}

/** Cuts at the last blank line, line end, sentence end or space before the limit, whichever comes first in this order. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let rest = text
  while (rest.length > MAX_CHARACTERS) {
    const cut = cutOf(rest.slice(0, MAX_CHARACTERS))
    pieces.push(rest.slice(0, cut))
    rest = rest.slice(cut)
  }
  return [...pieces, rest]
}

function cutOf(head: string): number {
  for (const separator of ['\n\n', '\n', '. ', ' ']) {
    const found = head.lastIndexOf(separator)
    if (found > head.length / 3) return found + separator.length
  }
  return head.length
}

async function request(service: TranslationService, words: string, options: TranslateOptions): Promise<string> {
  const timeout = AbortSignal.timeout(service.timeout ?? DEFAULT_TIMEOUT)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  const { source, target } = options
  const body = {
    q: words,
    source,
    target,
    format: 'text',
    ...(service.apiKey === undefined ? {} : { api_key: service.apiKey }),
  }
  try {
    const response = await fetch(new URL('translate', withSlash(service.url)), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    })
    return await translationIn(response)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw error instanceof TranslationError ? error : unreachable(service, error)
  }
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

async function translationIn(response: Response): Promise<string> {
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw refused(response, answer)
  const text = isRecord(answer) ? answer['translatedText'] : undefined
  if (typeof text === 'string') return text
  throw new TranslationError(
    'BadAnswer',
    'The translation service answered without a translation: is it LibreTranslate?',
  )
}

function refused(response: Response, answer: unknown): TranslationError {
  const reason = isRecord(answer) && typeof answer['error'] === 'string' ? answer['error'] : response.statusText
  const message = `The translation service answered ${response.status}: ${reason}`
  if (response.status !== 429 && response.status < 500) return new TranslationError('Refused', message)
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(seconds) ? seconds * 1000 : undefined
  return new TranslationError('Busy', message, { retryAfter })
}

function unreachable(service: TranslationService, cause: unknown): TranslationError {
  const reason = cause instanceof Error && cause.name === 'TimeoutError' ? 'it did not answer in time' : reasonOf(cause)
  const message = `The translation service at ${new URL(service.url).origin} cannot be reached: ${reason}`
  return new TranslationError('Unreachable', message, { cause })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
