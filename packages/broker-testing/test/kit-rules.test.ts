import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { CASES } from '../src/cases.ts'
import { fullName, GROUPS } from '../src/conformance-case.ts'
import { RULES } from '../src/rules.ts'
import { ruleTable } from '../src/rule-table.ts'

const TABLE = path.join(import.meta.dirname, '..', 'RULES.md')

test('every rule has a case, and every group', () => {
  const tested = new Set(CASES.map(({ rule }) => rule))
  expect(Object.keys(RULES).filter((rule) => !tested.has(rule as keyof typeof RULES))).toEqual([])
  expect(GROUPS.filter((group) => !CASES.some((each) => each.group === group))).toEqual([])
})

test('names of cases are unique', () => {
  const names = CASES.map(fullName)
  expect(new Set(names).size).toBe(names.length)
})

test('RULES.md says which cases test each rule, and which broken brokers fail them', async () => {
  const written = await readFile(TABLE, 'utf8')
  const mend = 'mend it with: npm run conformance -- --rules > packages/broker-testing/RULES.md'
  expect(written, mend).toContain(ruleTable())
})
