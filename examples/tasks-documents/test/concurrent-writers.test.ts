import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { SearchIndex } from '../src/search-index/search-index.ts'

const run = promisify(execFile)
const FILES = 150

test('three processes that make one index and read one folder into it at once lose and double nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'writers-'))
  const documents = join(folder, 'documents')
  await mkdir(documents)
  for (let number = 0; number < FILES; number += 1) {
    await writeFile(join(documents, `${number}.txt`), `document number w${number} about the harbour`)
  }
  const indexPath = join(folder, 'index.sqlite')
  const script = join(import.meta.dirname, 'index-writer.ts')
  const writers = [1, 2, 3].map(() => run(process.execPath, ['--no-warnings', script, indexPath, documents]))
  const outcomes = (await Promise.all(writers)).map(({ stdout }) => JSON.parse(stdout) as Record<string, number>)

  const sum = (outcome: string): number => outcomes.reduce((total, counts) => total + (counts[outcome] ?? 0), 0)
  expect(sum('added')).toBe(FILES)
  expect(sum('unchanged')).toBe(2 * FILES)
  using index = await SearchIndex.open(indexPath)
  expect(index.counts()).toEqual({ files: FILES, documents: FILES, failures: 0 })
  expect(index.search({ query: 'harbour' }, { limit: 1000 })).toHaveLength(FILES)
  expect(index.documentFrequency('harbour')).toBe(FILES)
  checkIntegrity(indexPath)
  await rm(folder, { recursive: true })
})

function checkIntegrity(path: string): void {
  const database = new DatabaseSync(path)
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  // Throws when the words of the index and the texts of the documents do not agree.
  database.exec(`INSERT INTO documents_fts(documents_fts, rank) VALUES ('integrity-check', 1)`)
  database.close()
}
