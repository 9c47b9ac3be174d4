import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from '../testing/command.ts'
import { apiReports, checkApiReport } from './api-report.ts'
import type { ApiReport } from './api-report.ts'
import { sizeProblem } from './bundle-size.ts'

let folder = ''
let report: ApiReport

function declare(text: string): void {
  writeFileSync(path.join(folder, 'package/dist/index.d.ts'), text)
}

beforeEach(() => {
  mkdirSync(path.join(root, 'node_modules/.cache'), { recursive: true })
  folder = mkdtempSync(path.join(root, 'node_modules/.cache/api-'))
  const project = path.join(folder, 'package')
  mkdirSync(path.join(project, 'dist'), { recursive: true })
  writeFileSync(path.join(project, 'package.json'), '{ "name": "@ds/one", "version": "1.0.0", "type": "module" }')
  const declarations = new Map([['.', path.join(project, 'dist/index.d.ts')]])
  const [made] = apiReports(folder, [{ name: '@ds/one', shortName: 'one', folder: project, declarations }])
  if (!made) throw new Error('a package with declarations has a report')
  report = made
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a report is missing until it is written, and the check writes none', () => {
  declare('export declare function one(): number\n')
  expect(checkApiReport(report, { update: false })).toBe('missing')
  expect(existsSync(report.file)).toBe(false)
})

test('what is exported may be described otherwise, but not be other', () => {
  declare('/** The number one. */\nexport declare function one(): number;\n')
  expect(checkApiReport(report, { update: true })).toBe('same')
  expect(readFileSync(report.file, 'utf8')).toContain('export function one(): number;')
  declare('/** Says one. */\nexport declare function one(): number;\n')
  expect(checkApiReport(report, { update: false })).toBe('same')
  declare('/** Says one. */\nexport declare function one(): string;\n')
  expect(checkApiReport(report, { update: false })).toBe('changed')
  expect(readFileSync(report.file, 'utf8')).toContain('export function one(): number;')
})

test('a size over the limit names the heaviest modules and what to do', () => {
  expect(sizeProblem('core', { kib: 1, heaviest: [] })).toBeUndefined()
  const problem = sizeProblem('core', { kib: 10_000, heaviest: ['src/heavy.ts 9000000'] })
  expect(problem).toMatch(/takes 10000.0 KiB.*\n {2}src\/heavy.ts 9000000\n.*raise the limit/)
})
