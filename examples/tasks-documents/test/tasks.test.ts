import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createApp, defineTask, Fatal } from '@ds/core'
import { unzipSync } from 'fflate'
import { expect, test, vi } from 'vitest'
import { startTranslationServer } from '../fixtures/translation-server.ts'
import { indexDocumentsTask } from '../src/tasks/index-documents-task.ts'
import { startPlatform } from './documents-platform.ts'

// Each test starts threads, and each of those loads the libraries of the methods.
vi.setConfig({ testTimeout: 120_000 })

test('a folder of documents becomes searchable, known, sorted and exportable', async () => {
  await using platform = await startPlatform()
  const { manager, samples } = platform

  const indexing = await manager.create('index_documents', { folder: samples, batchSize: 7 })
  const indexed = await indexing.result()
  expect(indexed).toMatchObject({
    files: 28,
    added: 26,
    replaced: 0,
    unchanged: 0,
    failed: 2,
    skipped: 1,
    failuresLeftOut: 0,
  })
  expect(indexed.failures.map(({ path, code }) => `${code} ${basename(path)}`).sort()).toEqual([
    'Empty empty.txt',
    'Truncated damaged-scan.pdf',
    'Unsupported fwd-minutes.eml#harbour-map.png',
  ])
  const batches = await manager.list({ parentId: indexing.id })
  expect(batches.map(({ name, state, group }) => [name, state, group])).toEqual(
    Array(4).fill(['index_batch', 'DONE', 'io']),
  )

  const [entities, classes, structure, tags] = await manager.create([
    { name: 'find_entities', args: {} },
    { name: 'classify_documents', args: {} },
    { name: 'extract_structure', args: {} },
    { name: 'tag_documents', args: {} },
  ])
  expect(await entities.result()).toMatchObject({ documents: 28 })
  expect((await classes.result()).classes).toMatchObject({ contract: 4, invoice: 4, cv: 2 })
  expect((await structure.result()).amounts).toBeGreaterThan(30)
  expect((await tags.result()).tags).toBeGreaterThan(60)
  using index = await platform.openIndex()
  expect(index.topEntities('person', 1)).toMatchObject([{ value: 'Helen Marsh', documents: 12 }])

  const search = await manager.create(
    'batch_search',
    { queries: ['orlune', 'survey OR', 'nowhere'] },
    { id: 'my search / 1' },
  )
  const found = await search.result()
  expect(found).toMatchObject({ queries: 3, hits: 7, withoutHits: 1, errors: [{ query: 'survey OR' }] })
  expect(await readFile(found.csv, 'utf8')).toContain('survey OR')
  const download = await manager.create('batch_download', { class: 'invoice' })
  const { zip, files } = await download.result()
  expect(files).toBe(4)
  expect(Object.keys(unzipSync(await readFile(zip))).sort()[0]).toBe('facture-2024-112.pdf')
  expect((await readdir(join(platform.folder, 'out'))).sort()).toEqual([basename(found.csv), basename(zip)].sort())
})

test('run twice, nothing is doubled and nothing is done again, unless it is asked for', async () => {
  await using platform = await startPlatform()
  const { manager, samples } = platform
  const run = async (): Promise<unknown[]> => [
    await (await manager.create('index_documents', { folder: samples })).result(),
    await (await manager.create('find_entities', { class: 'none' })).result(),
    await (await manager.create('tag_documents', { type: 'pdf' })).result(),
  ]
  expect(await run()).toMatchObject([{ added: 26, failed: 2 }, { documents: 0 }, { documents: 6 }])
  expect(await run()).toMatchObject([{ added: 0, unchanged: 26, failed: 2 }, { documents: 0 }, { documents: 0 }])
  const again = await manager.create('tag_documents', { type: 'pdf', force: true })
  expect(await again.result()).toMatchObject({ documents: 6 })
  using index = await platform.openIndex()
  expect(index.counts()).toEqual({ files: 26, documents: 28, failures: 3 })
})

test('cancelled in the middle of a folder it stops, its batches with it, and the next run does the rest', async () => {
  const FILES = 400
  await using platform = await startPlatform({ concurrency: 2 })
  const { manager } = platform
  const folder = join(platform.folder, 'many')
  await mkdir(folder)
  for (let number = 0; number < FILES; number += 1) await writeFile(join(folder, `${number}.txt`), `document ${number}`)

  const task = await manager.create('index_documents', { folder, batchSize: 4 })
  for await (const { progress } of task.watch()) if (progress > 0.05) break
  expect(await task.cancel()).toBe('requested')
  expect(await task.wait()).toMatchObject({ state: 'CANCELLED' })
  const batches = await manager.list({ parentId: task.id, limit: 1000 })
  for (const { id } of batches) await manager.task(id).wait()
  const ended = await manager.list({ parentId: task.id, limit: 1000 })
  expect(new Set(ended.map(({ state }) => state))).toEqual(new Set(['DONE', 'CANCELLED']))

  using index = await platform.openIndex()
  const { files } = index.counts()
  expect(files).toBeGreaterThan(0)
  expect(files).toBeLessThan(FILES)
  const rest = await (await manager.create('index_documents', { folder, batchSize: 50 })).result()
  expect(rest).toMatchObject({ files: FILES, added: FILES - files, unchanged: files })
})

test('a file that ends its reader again and again is reported, and the other files of its batch are read', async () => {
  const batch = defineTask('index_batch', { group: 'io' }, ({ paths }: { paths: string[] }) => {
    if (paths.some((path) => path.includes('survey-report'))) throw new Fatal('the reader is gone')
    return { added: paths.length, replaced: 0, unchanged: 0, failed: 0, failures: [], failuresLeftOut: 0 }
  })
  await using platform = await startPlatform({ app: createApp('crashing', [indexDocumentsTask, batch]) })
  const task = await platform.manager.create('index_documents', { folder: platform.samples })
  const { failures, ...counts } = await task.result()
  expect(counts).toMatchObject({ files: 28, added: 27, failed: 1 })
  expect(failures).toMatchObject([
    { code: 'Crashed', message: expect.stringContaining('the reader is gone') as string },
  ])
  using index = await platform.openIndex()
  expect(index.failures()).toMatchObject([{ code: 'Crashed' }])
})

test('a folder that is not there, is a file, or lies outside of the root ends the task at once, saying so', async () => {
  await using platform = await startPlatform({ environment: { DS_DOCUMENTS_ROOT: import.meta.dirname } })
  const { manager, samples } = platform
  const failureOf = async (folder: string): Promise<string> => {
    const task = await manager.create('index_documents', { folder })
    expect(await task.wait()).toMatchObject({ state: 'ERROR', attempt: 1 })
    return (await task.errors())[0]!.error.message
  }
  expect(await failureOf(join(samples, 'absent'))).toMatch(/folder .*absent cannot be read: ENOENT/)
  expect(await failureOf(join(samples, 'mail', 'letter-to-council.txt'))).toMatch(/letter-to-council.txt is no folder/)
  expect(await failureOf(samples)).toMatch(/outside of DS_DOCUMENTS_ROOT/)
  const batch = await manager.create('index_batch', { paths: [join(samples, 'press', 'harbour-costs.html')] })
  expect(await batch.result()).toMatchObject({ failed: 1, failures: [{ code: 'Unreadable' }] })
})

test('args that do not fit are refused before anything is sent', async () => {
  await using platform = await startPlatform()
  const { manager } = platform
  // @ts-expect-error the folder is missing
  await expect(manager.create('index_documents', {})).rejects.toMatchObject({ code: 'InvalidArguments' })
  await expect(manager.create('batch_search', { queries: [] })).rejects.toMatchObject({ code: 'InvalidArguments' })
  const task = await manager.create('batch_download', { query: '(open' })
  expect(await task.wait()).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect((await task.errors())[0]!.error.message).toContain('A parenthesis that is never closed (at character 1)')
})

test('without a translation service the task says which variable is missing', async () => {
  await using platform = await startPlatform()
  const task = await platform.manager.create('translate_documents', {})
  expect(await task.wait()).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect((await task.errors())[0]!.error.message).toContain('set DS_DOCUMENTS_TRANSLATE_URL')
})

test('translates what is not in the target language, and goes on after the service was busy', async () => {
  const server = await startTranslationServer()
  await using platform = await startPlatform({ environment: { DS_DOCUMENTS_TRANSLATE_URL: server.url } })
  const { manager, samples } = platform
  await (await manager.create('index_documents', { folder: join(samples, 'contracts') })).result()
  server.statuses.push({ status: 429, headers: { 'retry-after': '0' } })
  const task = await manager.create('translate_documents', { target: 'en' })
  expect(await task.result()).toEqual({ translated: 2, skipped: 2, refused: [], refusedLeftOut: 0 })
  expect(await task.get()).toMatchObject({ attempt: 2 })
  using index = await platform.openIndex()
  const [id] = index.ids({ query: 'preneur' })
  expect(index.findings(id!).translations).toMatchObject([{ language: 'en', title: 'BAIL COMMERCIAL' }])
  expect(await (await manager.create('translate_documents', { target: 'en' })).result()).toMatchObject({
    translated: 0,
  })
  const unknown = await manager.create('translate_documents', { target: 'xx' })
  expect(await unknown.wait()).toMatchObject({ state: 'ERROR' })
  await server.close()
})

test('learns classes of its own from a folder of examples', async () => {
  const examples = await mkdtemp(join(tmpdir(), 'examples-'))
  await mkdir(join(examples, 'port'))
  await mkdir(join(examples, 'money'))
  await writeFile(join(examples, 'port', 'a.txt'), 'harbour dredging channel survey depth tide vessel quay')
  await writeFile(join(examples, 'money', 'a.txt'), 'invoice amount payment total due bank transfer EUR')
  await using platform = await startPlatform({ environment: { DS_DOCUMENTS_EXAMPLES: examples } })
  const { manager, samples } = platform
  await (await manager.create('index_documents', { folder: join(samples, 'invoices') })).result()
  const { classes } = await (await manager.create('classify_documents', { language: 'en' })).result()
  expect(classes).toEqual({ money: 3 })
  await rm(examples, { recursive: true })
})

test('files that are gone are reported in the download', async () => {
  await using platform = await startPlatform()
  const { manager, samples } = platform
  await (await manager.create('index_documents', { folder: samples })).result()
  await rm(join(samples, 'invoices', 'invoice-2024-017.pdf'))
  const task = await manager.create('batch_download', { folder: join(samples, 'invoices') })
  expect(await task.result()).toMatchObject({ files: 3, failures: [{ code: 'Missing' }] })
})
