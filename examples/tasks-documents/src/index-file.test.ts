import { cp, mkdtemp, rm, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { indexFile } from './index-file.ts'
import { scanFolder } from './scan.ts'
import { SearchIndex } from './search-index/search-index.ts'

let folder: string
let samples: string
let index: SearchIndex

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'index-file-'))
  samples = join(folder, 'samples')
  await cp(join(import.meta.dirname, '..', 'samples'), samples, { recursive: true })
  index = await SearchIndex.open(join(folder, 'index.sqlite'))
})

afterEach(async () => {
  index.close()
  await rm(folder, { recursive: true })
})

async function indexSamples(): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {}
  for await (const entry of scanFolder(samples)) {
    if (entry.kind !== 'file') continue
    const { outcome } = await indexFile(index, entry.path)
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return outcomes
}

test('a folder indexed twice is in the index once, with the same failures', async () => {
  expect(await indexSamples()).toEqual({ added: 26, failed: 2 })
  const counts = index.counts()
  const failures = index.failures()
  expect(counts).toEqual({ files: 26, documents: 28, failures: 3 })
  expect(failures.map(({ path, code }) => [basename(path), code])).toEqual([
    ['fwd-minutes.eml#harbour-map.png', 'Unsupported'],
    ['damaged-scan.pdf', 'Truncated'],
    ['empty.txt', 'Empty'],
  ])
  expect(await indexSamples()).toEqual({ unchanged: 26, failed: 2 })
  expect(index.counts()).toEqual(counts)
  expect(index.failures()).toEqual(failures)
})

test('a changed file is read again, a touched one is not', async () => {
  const path = join(samples, 'mail', 'letter-to-council.txt')
  expect(await indexFile(index, path)).toMatchObject({ outcome: 'added' })
  await utimes(path, new Date(), new Date())
  expect(await indexFile(index, path)).toMatchObject({ outcome: 'unchanged' })
  await writeFile(path, 'A letter about something else: the lighthouse.')
  expect(await indexFile(index, path)).toMatchObject({ outcome: 'replaced' })
  expect(index.search({ query: 'dredging' })).toEqual([])
  expect(index.search({ query: 'lighthouse' })).toHaveLength(1)
})

test('an unchanged e-mail reports the attachments that could not be read again', async () => {
  const path = join(samples, 'mail', 'fwd-minutes.eml')
  const first = await indexFile(index, path)
  const second = await indexFile(index, path)
  expect(first.failures).toHaveLength(1)
  expect(second).toEqual({ outcome: 'unchanged', failures: first.failures })
})

test('a file that is gone or too large is a failure with a code', async () => {
  const path = join(samples, 'mail', 'letter-to-council.txt')
  const limits = { maxBytes: 100, maxCharacters: 100 }
  expect((await indexFile(index, path, { limits })).failures).toMatchObject([{ path, code: 'TooLarge' }])
  await unlink(path)
  expect((await indexFile(index, path)).failures).toMatchObject([{ path, code: 'Missing' }])
})

test('an abort is thrown and leaves nothing half written', async () => {
  const controller = new AbortController()
  const path = join(samples, 'reports', 'survey-report.pdf')
  const running = indexFile(index, path, { signal: controller.signal })
  controller.abort(new Error('cancelled'))
  await expect(running).rejects.toThrow('cancelled')
  expect(index.counts()).toEqual({ files: 0, documents: 0, failures: 0 })
})
