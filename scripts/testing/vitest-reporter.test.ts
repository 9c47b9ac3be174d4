import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { capture, root } from './command.ts'
import type { Outcome } from './outcome.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'reporter-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs vitest on one file, as scripts/test.ts does, and returns what the reporter wrote. */
async function outcomesOf(file: string, variables: Readonly<Record<string, string>> = {}): Promise<Outcome[]> {
  const outcomes = path.join(folder, 'outcomes.json')
  writeFileSync(path.join(folder, 'a.test.ts'), file)
  const settings = Object.entries({ ...variables, DS_TEST_OUTCOMES: outcomes }).map(
    ([name, value]) => `${name}=${value}`,
  )
  const reporter = path.join(import.meta.dirname, 'vitest-reporter.ts')
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
  const flags = ['run', '--globals', `--root=${folder}`, `--reporter=${reporter}`]
  await capture(['env', ...settings, process.execPath, vitest, ...flags])
  return JSON.parse(readFileSync(outcomes, 'utf8')) as Outcome[]
}

test('each test is reported with its end, a skip with its reason', async () => {
  const outcomes = await outcomesOf(`
    test('adds', () => expect(1 + 1).toBe(2))
    test('differs', () => expect(1).toBe(2))
    test('waits for a server', (context) => context.skip('no server'))
  `)
  expect(outcomes.map(({ name, state, detail }) => [name.split(' > ').at(-1), state, detail])).toEqual([
    ['adds', 'passed', ''],
    ['differs', 'failed', expect.stringContaining('expected 1 to be 2')],
    ['waits for a server', 'skipped', 'no server'],
  ])
})

test('a skip without a reason fails, unless the tests were chosen by name', async () => {
  const file = `test.skip('quietly left out', () => {})\ntest('runs', () => {})`
  expect(await outcomesOf(file)).toContainEqual(
    expect.objectContaining({ state: 'failed', detail: expect.stringContaining('skipped without a reason') }),
  )
  expect(await outcomesOf(file, { DS_TEST_CHOSEN_BY_NAME: '1' })).toHaveLength(1)
})

test('a file that does not load and an error that nobody caught are failures', async () => {
  expect(await outcomesOf(`import './gone.ts'`)).toMatchObject([{ state: 'failed' }])
  const stray = await outcomesOf(`test('passes', async () => { void Promise.reject(new Error('stray')); await 1 })`)
  expect(stray).toContainEqual({ name: 'unhandled error', state: 'failed', detail: 'stray' })
})
