import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ReadDocument } from '../reading/document.ts'
import { SearchIndex } from './search-index.ts'

let folder: string
let index: SearchIndex

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'index-'))
  index = await SearchIndex.open(join(folder, 'sub', 'index.sqlite'))
})

afterEach(async () => {
  index.close()
  await rm(folder, { recursive: true })
})

function textDocument(path: string, text: string, more: Partial<ReadDocument> = {}): ReadDocument {
  const name = path.split('/').at(-1)!
  return { path, name, type: 'text', title: name, text, metadata: {}, tables: [], ...more }
}

function put(path: string, text: string, more: Partial<ReadDocument> = {}): string {
  const file = { path, hash: text, size: text.length, modifiedAt: '2024-01-01T00:00:00.000Z' }
  return index.putFile(file, { documents: [textDocument(path, text, more)], failures: [] })
}

function found(query: string): string[] {
  return index.search({ query }).map(({ path }) => path)
}

test('keeps a document as it was read', () => {
  const tables = [
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ]
  const more = { author: 'Ann', createdAt: '2024-02-03', language: 'fr', metadata: { pages: '3' }, tables }
  put('/d/a.txt', 'Déjà vu', more)
  const [id] = index.ids()
  expect(index.document(id!)).toEqual({ id, file: '/d/a.txt', ...textDocument('/d/a.txt', 'Déjà vu', more) })
  expect(index.document(999)).toBeUndefined()
})

test('finds words without regard to accents and case, also in titles and names', () => {
  put('/d/a.txt', 'Le préfet a signé.')
  put('/d/b.txt', 'Nothing here.', { title: 'Signe des temps' })
  put('/d/signe-3.txt', 'Nothing either.')
  expect(found('SIGNE')).toHaveLength(3)
  expect(found('prefet')).toEqual(['/d/a.txt'])
})

test('ranks a word in the title above the same word in a long text', () => {
  put('/d/a.txt', `harbour ${'other words '.repeat(100)}`)
  put('/d/b.txt', 'other words '.repeat(100), { title: 'The harbour' })
  expect(found('harbour')).toEqual(['/d/b.txt', '/d/a.txt'])
})

test('shows the passage that matches on one line, between the marks that were asked for', () => {
  put('/d/a.txt', `${'before '.repeat(50)}\n\nthe hidden\npayment ${'after '.repeat(50)}`)
  const [hit] = index.search({ query: 'payment' }, { marks: ['<b>', '</b>'] })
  expect(hit!.snippet).toMatch(/^….*the hidden <b>payment<\/b> after.*…$/)
})

test('a file put twice is there once, and keeps what was found in it', () => {
  expect(put('/d/a.txt', 'same')).toBe('added')
  const [id] = index.ids()
  index.putFinding(id!, { kind: 'tags', version: '1', tags: [{ tag: 'x', weight: 1 }] })
  expect(put('/d/a.txt', 'same')).toBe('unchanged')
  expect([...index.ids()]).toEqual([id])
  expect(index.findings(id!).tags).toHaveLength(1)
})

test('a changed file takes the place of the old one, and what was found in it goes', () => {
  put('/d/a.txt', 'the old words')
  const [id] = index.ids()
  index.putFinding(id!, { kind: 'class', version: '1', class: 'report', confidence: 0.9 })
  expect(put('/d/a.txt', 'the new words')).toBe('replaced')
  expect(found('old')).toEqual([])
  expect(found('new')).toEqual(['/d/a.txt'])
  expect(index.topValues('class', 5)).toEqual([])
  expect(index.putFinding(id!, { kind: 'class', version: '1', class: 'report', confidence: 0.9 })).toBe(false)
  expect(index.documentFrequency('old')).toBe(0)
})

test('a file that turned bad loses its documents, one that is out of reach keeps them', () => {
  put('/d/a.txt', 'kept')
  index.putFailure({ path: '/d/a.txt', code: 'Unreadable', message: 'No permission' })
  expect(found('kept')).toEqual(['/d/a.txt'])
  index.putFailure({ path: '/d/a.txt', code: 'Corrupt', message: 'Broken' })
  expect(found('kept')).toEqual([])
  expect(index.failures()).toEqual([{ path: '/d/a.txt', code: 'Corrupt', message: 'Broken' }])
  put('/d/a.txt', 'mended')
  expect(index.failures()).toEqual([])
  expect(index.counts()).toEqual({ files: 1, documents: 1, failures: 0 })
})

test('keeps all kinds of findings, and a second run replaces the first', () => {
  put('/d/a.txt', 'x')
  const id = [...index.ids()][0]!
  const structure = { title: 't', dates: [], amounts: [], keyValues: [{ key: 'k', value: 'v' }], tables: [] }
  for (const round of [1, 2]) {
    const entity = { type: 'person' as const, value: `Ann ${round}`, count: 2, offsets: [1, 5] }
    index.putFinding(id, { kind: 'entities', version: '1', entities: [entity] })
    index.putFinding(id, { kind: 'class', version: '1', class: `c${round}`, confidence: 0.5 })
    index.putFinding(id, { kind: 'tags', version: '1', tags: [{ tag: `t${round}`, weight: 2 }] })
    index.putFinding(id, { kind: 'structure', version: '1', structure })
    index.putFinding(id, { kind: 'translation', version: '1', language: 'fr', title: 'titre', text: `texte ${round}` })
  }
  expect(index.findings(id)).toEqual({
    entities: [{ type: 'person', value: 'Ann 2', count: 2, offsets: [1, 5] }],
    class: { class: 'c2', confidence: 0.5 },
    tags: [{ tag: 't2', weight: 2 }],
    structure,
    translations: [{ language: 'fr', title: 'titre', text: 'texte 2' }],
  })
  expect(index.topEntities('person', 5)).toEqual([{ type: 'person', value: 'Ann 2', documents: 1, count: 2 }])
})

test('knows which documents an analysis of a version has not seen', () => {
  put('/d/a.txt', 'x')
  put('/d/b.txt', 'y')
  const [first, second] = [...index.ids()]
  index.putFinding(first!, { kind: 'tags', version: '1', tags: [] })
  expect([...index.ids({}, { kind: 'tags', version: '1' })]).toEqual([second])
  expect(index.count({}, { kind: 'tags', version: '2' })).toBe(2)
  expect(index.isAnalysed(first!, { kind: 'tags', version: '1' })).toBe(true)
  expect(index.isAnalysed(first!, { kind: 'translation:fr', version: '1' })).toBe(false)
})

test('selects by query, type, language, class, tag and folder, and by all of them together', () => {
  put('/d/in/a.txt', 'red fish', { language: 'en' })
  put('/d/in/b.pdf', 'red bird', { language: 'fr', type: 'pdf' })
  put('/d/inner/c.txt', 'blue bird', { language: 'en' })
  const [a, b, c] = [...index.ids()]
  index.putFinding(b!, { kind: 'class', version: '1', class: 'report', confidence: 1 })
  index.putFinding(c!, { kind: 'tags', version: '1', tags: [{ tag: 'sky', weight: 1 }] })
  expect([...index.ids({ query: 'red' })]).toEqual([a, b])
  expect([...index.ids({ type: 'pdf' })]).toEqual([b])
  expect([...index.ids({ language: 'en' })]).toEqual([a, c])
  expect([...index.ids({ class: 'report' })]).toEqual([b])
  expect([...index.ids({ tag: 'sky' })]).toEqual([c])
  expect([...index.ids({ folder: '/d/in/' })]).toEqual([a, b])
  expect([...index.ids({ query: 'bird', language: 'en', folder: '/d' })]).toEqual([c])
  expect(index.count({ query: 'red', language: 'en' })).toBe(1)
})

test('walks over more documents than one page while they are written to', () => {
  for (let number = 0; number < 450; number += 1) put(`/d/${number}.txt`, `text ${number}`)
  let seen = 0
  for (const id of index.ids()) {
    index.putFinding(id, { kind: 'tags', version: '1', tags: [{ tag: 'seen', weight: 1 }] })
    seen += 1
  }
  expect(seen).toBe(450)
  expect(index.count({ tag: 'seen' })).toBe(450)
})

test('what was written is there after the index was closed and opened again', async () => {
  put('/d/a.txt', 'durable')
  index.close()
  index = await SearchIndex.open(index.path)
  expect(found('durable')).toEqual(['/d/a.txt'])
})

test('refuses a file that is no index, and one of a newer version, and leaves them as they are', async () => {
  const text = join(folder, 'notes.txt')
  await writeFile(text, 'These are notes and no database at all. '.repeat(50))
  await expect(SearchIndex.open(text)).rejects.toThrow('is no search index')
  const foreign = join(folder, 'foreign.sqlite')
  const database = new DatabaseSync(foreign)
  database.exec('CREATE TABLE theirs (x)')
  await expect(SearchIndex.open(foreign)).rejects.toThrow('database of another program')
  expect(database.prepare('SELECT name FROM sqlite_master').all()).toEqual([{ name: 'theirs' }])
  database.close()
  const newer = new DatabaseSync(index.path)
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  await expect(SearchIndex.open(index.path)).rejects.toThrow('version 99')
})
