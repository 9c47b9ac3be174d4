import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTranslationServer, type TranslationServer } from '../../fixtures/translation-server.ts'
import { piecesOf, translateText } from './translator.ts'

const TO_ENGLISH = { source: 'fr', target: 'en' }
let server: TranslationServer

beforeEach(async () => void (server = await startTranslationServer({ apiKey: 'secret' })))
afterEach(() => server.close())

function service(more: { apiKey?: string; timeout?: number; url?: string } = {}): { url: string; apiKey?: string } {
  return { url: server.url, apiKey: 'secret', ...more }
}

test('translates, with the language and the key that were given', async () => {
  expect(await translateText(service(), 'Le contrat est signé.', TO_ENGLISH)).toBe('the contract is signed.')
  expect(server.requests).toEqual([
    { q: 'Le contrat est signé.', source: 'fr', target: 'en', format: 'text', api_key: 'secret' },
  ])
})

test('a long text goes in pieces, and paragraphs stay where they are', async () => {
  const paragraph = 'Le rapport est signé. '.repeat(40).trim()
  const text = `  ${[paragraph, paragraph, paragraph].join('\n\n')}\n`
  const shares: number[] = []
  const translated = await translateText(service(), text, { ...TO_ENGLISH, onProgress: (share) => shares.push(share) })
  expect(server.requests.length).toBeGreaterThan(1)
  expect(translated).toBe(text.replaceAll('Le rapport est signé', 'the report is signed'))
  expect(shares.at(-1)).toBe(1)
})

test('pieces are never too long, and together are the text', () => {
  for (const text of ['', 'short', 'x'.repeat(5000), 'word '.repeat(2000), `${'a sentence. '.repeat(300)}\n\nend`]) {
    const pieces = piecesOf(text)
    expect(pieces.join('')).toBe(text)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1800)
  }
})

test('says why a service refuses', async () => {
  const wrongKey = translateText(service({ apiKey: 'wrong' }), 'port', TO_ENGLISH)
  await expect(wrongKey).rejects.toMatchObject({
    code: 'Refused',
    message: expect.stringContaining('403: Invalid API key') as string,
  })
  const unknown = translateText(service(), 'port', { source: 'fr', target: 'tlh' })
  await expect(unknown).rejects.toMatchObject({
    code: 'Refused',
    message: expect.stringContaining('tlh is not supported') as string,
  })
})

test('a busy service says when to come back', async () => {
  server.statuses.push({ status: 429, headers: { 'retry-after': '7' } }, { status: 503 })
  await expect(translateText(service(), 'port', TO_ENGLISH)).rejects.toMatchObject({ code: 'Busy', retryAfter: 7000 })
  await expect(translateText(service(), 'port', TO_ENGLISH)).rejects.toMatchObject({
    code: 'Busy',
    retryAfter: undefined,
  })
  expect(await translateText(service(), 'port', TO_ENGLISH)).toBe('harbour')
})

test('says which service cannot be reached', async () => {
  const { url } = server
  await server.close()
  await expect(translateText({ url }, 'port', TO_ENGLISH)).rejects.toMatchObject({
    code: 'Unreachable',
    message: expect.stringMatching(/at http:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/) as string,
  })
})

test('a service that never answers is given up, one that is no translation service is named as such', async () => {
  const silent = createServer((request, response) => {
    if (request.url === '/other/translate') response.end('<html>Hello</html>')
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  await expect(translateText({ url, timeout: 50 }, 'port', TO_ENGLISH)).rejects.toMatchObject({
    code: 'Unreachable',
    message: expect.stringContaining('did not answer in time') as string,
  })
  await expect(translateText({ url: `${url}/other` }, 'port', TO_ENGLISH)).rejects.toMatchObject({ code: 'BadAnswer' })
  silent.closeAllConnections()
  silent.close()
})

test('an abort ends it with its reason', async () => {
  const controller = new AbortController()
  const text = 'Le rapport est signé. '.repeat(1000)
  const onProgress = (): void => controller.abort(new Error('enough'))
  await expect(
    translateText(service(), text, { ...TO_ENGLISH, signal: controller.signal, onProgress }),
  ).rejects.toThrow('enough')
  expect(server.requests).toHaveLength(1)
})
