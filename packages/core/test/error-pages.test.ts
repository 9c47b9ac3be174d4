import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../src/index.ts'

const folder = path.resolve(import.meta.dirname, '../../../docs/errors')

test('each code of an error has a page, and each page a code', () => {
  expect(readdirSync(folder).sort()).toEqual(ERROR_CODES.map((code) => `${code}.md`).sort())
})

test.each(ERROR_CODES)('the page of %s says what it means, when it comes, and what to do', (code) => {
  const page = readFileSync(path.join(folder, `${code}.md`), 'utf8')
  const [title, meaning, , when, , remedy] = page.split('\n\n')
  expect(title).toBe(`# ${code}`)
  expect(page).toMatch(/\n## When\n/)
  expect(page).toMatch(/\n## What to do\n/)
  for (const part of [meaning, when, remedy]) expect(part?.length).toBeGreaterThan(20)
})
