import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { outputPath } from './output-path.ts'

test('without variables everything has a default, and no translation service', () => {
  expect(readConfig({})).toEqual({
    indexPath: resolve('out/documents.sqlite'),
    outputFolder: resolve('out'),
    maxFileBytes: 64_000_000,
  })
})

test('reads its variables; an empty one counts as absent', () => {
  const config = readConfig({
    DS_DOCUMENTS_INDEX: '/data/index.sqlite',
    DS_DOCUMENTS_OUTPUT: '',
    DS_DOCUMENTS_ROOT: '/data',
    DS_DOCUMENTS_MAX_FILE_BYTES: '1000',
    DS_DOCUMENTS_COUNTRY: 'fr',
    DS_DOCUMENTS_TRANSLATE_URL: 'http://127.0.0.1:5000',
    DS_DOCUMENTS_TRANSLATE_KEY: 'key',
    OTHER: 'x',
  })
  expect(config).toMatchObject({
    indexPath: '/data/index.sqlite',
    outputFolder: resolve('out'),
    root: '/data',
    maxFileBytes: 1000,
    country: 'fr',
    translation: { url: 'http://127.0.0.1:5000', apiKey: 'key' },
  })
})

test.each([
  ['DS_DOCUMENTS_MAX_FILE_BYTES', 'many'],
  ['DS_DOCUMENTS_COUNTRY', 'France'],
  ['DS_DOCUMENTS_TRANSLATE_URL', 'localhost'],
  ['DS_DOCUMENTS_TRANSLATE_URL', 'ftp://x.example'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(`The environment variable ${name} cannot be used`)
})

test('output files are named after their task, whatever its id holds, and two ids never share one', () => {
  expect(outputPath('/out', 'task-1', '.csv')).toBe('/out/task-1.csv')
  const strange = ['../../etc/passwd', 'a/b', 'a b', 'a:b', '..', 'é', 'x'.repeat(200)].map((id) =>
    outputPath('/out', id, '.csv'),
  )
  expect(new Set(strange).size).toBe(strange.length)
  for (const path of strange) expect(path).toMatch(/^\/out\/[A-Za-z0-9_-]{1,92}\.csv$/)
})
