import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ENVIRONMENT } from '../src/index.ts'

const guide = readFileSync(path.resolve(import.meta.dirname, '../../../docs/guides/configuration.md'), 'utf8')

test.each(ENVIRONMENT)('the guide to the configuration tells of $name', ({ name, key }) => {
  const row = guide.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``))
  expect(row).toBeDefined()
  if (key !== undefined) expect(row).toContain(`\`${key}\``)
})

test('the guide tells of no variable that is not read', () => {
  const told = guide.match(/DS_[A-Z_]+\b/g) ?? []
  const names = ENVIRONMENT.map(({ name }) => name)
  expect(told.filter((name) => !names.includes(name))).toEqual([])
})
