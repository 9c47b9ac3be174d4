import { cp, mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { strFromU8, unzipSync } from 'fflate'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { indexFile } from '../index-file.ts'
import { scanFolder } from '../scan.ts'
import { SearchIndex } from '../search-index/search-index.ts'
import { searchToCsv } from './search-to-csv.ts'
import { zipDocuments } from './zip-documents.ts'

let folder: string
let samples: string
let index: SearchIndex

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'))
  samples = join(folder, 'samples')
  await cp(join(import.meta.dirname, '..', '..', 'samples'), samples, { recursive: true })
  index = await SearchIndex.open(join(folder, 'index.sqlite'))
  await indexSamples()
})

afterEach(async () => {
  index.close()
  await rm(folder, { recursive: true })
})

async function indexSamples(): Promise<void> {
  for await (const entry of scanFolder(samples)) if (entry.kind === 'file') await indexFile(index, entry.path)
}

test('writes a row per hit and the reason for a query that cannot be understood', async () => {
  const path = join(folder, 'out', 'hits.csv')
  const queries = ['"Orlune Holdings" payment*', 'zeppelin', 'audit OR', 'preneur']
  const progress: number[] = []
  const outcomes = await searchToCsv(index, { queries, path }, { onProgress: (done) => progress.push(done) })
  expect(outcomes).toEqual([
    { query: '"Orlune Holdings" payment*', hits: 5 },
    { query: 'zeppelin', hits: 0 },
    { query: 'audit OR', hits: 0, error: { message: 'A word was expected before the end', position: 8 } },
    { query: 'preneur', hits: 1 },
  ])
  expect(progress).toEqual([1, 2, 3, 4])
  const rows = parse<Record<string, string>>(await readFile(path), { columns: true, bom: true })
  expect(rows).toHaveLength(7)
  expect(rows[0]).toMatchObject({ query: '"Orlune Holdings" payment*', rank: '1', error: '' })
  expect(rows[5]).toMatchObject({
    query: 'audit OR',
    path: '',
    error: 'A word was expected before the end (at character 9)',
  })
  expect(rows[6]).toMatchObject({
    path: join(samples, 'contracts', 'office-lease.txt'),
    title: 'BAIL COMMERCIAL',
    language: 'fr',
  })
})

test('a title that begins like a formula stays a text in a spreadsheet', async () => {
  await writeFile(join(samples, 'formula.txt'), '=HYPERLINK("http://x.example")\nwith a zeppelin')
  await indexSamples()
  const path = join(folder, 'hits.csv')
  await searchToCsv(index, { queries: ['zeppelin', '-zeppelin'], path })
  const rows = parse<Record<string, string>>(await readFile(path), { columns: true, bom: true })
  expect(rows[0]!['title']).toMatch(/^'=HYPERLINK/)
  expect(rows[1]!['query']).toBe("'-zeppelin")
})

test('zips the matching files, with those of one name side by side', async () => {
  const path = join(folder, 'out', 'notes.zip')
  const outcome = await zipDocuments(index, { selection: { query: 'name:notes' }, path })
  expect(outcome).toMatchObject({ files: 3, failures: [] })
  const entries = unzipSync(await readFile(path))
  expect(Object.keys(entries).sort()).toEqual(['audit-notes.md', 'notes (2).md', 'notes.md'])
  const contents = Object.values(entries).map((bytes) => strFromU8(bytes))
  expect(contents).toContain(await readFile(join(samples, 'minutes', 'notes.md'), 'utf8'))
  expect(contents).toContain(await readFile(join(samples, 'reports', 'notes.md'), 'utf8'))
  expect(outcome.bytes).toBe((await readFile(path)).length)
})

test('names that differ in capitals only get numbers too', async () => {
  await mkdir(join(samples, 'more'))
  await writeFile(join(samples, 'more', 'NOTES.md'), 'zeppelin notes')
  await indexSamples()
  const path = join(folder, 'notes.zip')
  await zipDocuments(index, { selection: { query: 'name:notes' }, path })
  const names = Object.keys(unzipSync(await readFile(path))).map((name) => name.toLowerCase())
  expect(new Set(names).size).toBe(4)
})

test('an attachment brings its e-mail, once', async () => {
  const path = join(folder, 'mail.zip')
  await zipDocuments(index, { selection: { folder: join(samples, 'mail'), query: 'survey' }, path })
  const names = Object.keys(unzipSync(await readFile(path)))
  expect(names.filter((name) => name === 'survey-results.eml')).toHaveLength(1)
  expect(names.some((name) => name.includes('.pdf'))).toBe(false)
})

test('files that are gone are reported and do not stop the rest', async () => {
  await unlink(join(samples, 'minutes', 'notes.md'))
  await unlink(join(samples, 'reports', 'notes.md'))
  await mkdir(join(samples, 'reports', 'notes.md'))
  const path = join(folder, 'notes.zip')
  const { files, failures } = await zipDocuments(index, { selection: { query: 'name:notes' }, path })
  expect(files).toBe(1)
  expect(failures.map(({ code }) => code)).toEqual(['Missing', 'Unreadable'])
  expect(Object.keys(unzipSync(await readFile(path)))).toEqual(['audit-notes.md'])
})

test('a selection without matches gives an empty archive', async () => {
  const path = join(folder, 'none.zip')
  expect(await zipDocuments(index, { selection: { query: 'zeppelin' }, path })).toMatchObject({ files: 0 })
  expect(unzipSync(await readFile(path))).toEqual({})
})

test('an abort in the middle leaves no file behind', async () => {
  const out = join(folder, 'out')
  const stop = (controller: AbortController) => (done: number) => {
    if (done === 2) controller.abort(new Error('enough'))
  }
  const csv = new AbortController()
  const queries = ['audit', 'survey', 'contract', 'payment']
  const searching = searchToCsv(
    index,
    { queries, path: join(out, 'a.csv') },
    { signal: csv.signal, onProgress: stop(csv) },
  )
  await expect(searching).rejects.toThrow('enough')
  const zip = new AbortController()
  const zipping = zipDocuments(
    index,
    { selection: {}, path: join(out, 'a.zip') },
    { signal: zip.signal, onProgress: stop(zip) },
  )
  await expect(zipping).rejects.toThrow('enough')
  expect(await readdir(out)).toEqual([])
})

test('a place that cannot be written to is an error', async () => {
  const path = join(samples, 'mail', 'letter-to-council.txt', 'a.zip')
  await expect(zipDocuments(index, { selection: {}, path })).rejects.toMatchObject({
    code: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
  })
})
