import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const START = join(import.meta.dirname, '..', 'start.ts')

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'start-'))))
afterAll(() => rm(folder, { recursive: true }))

function start(...words: string[]): Promise<Run> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DS_')))
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [START, ...words], { cwd: folder, env: environment })
    const text = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()))
    child.on('close', (code) => resolve({ code, ...text }))
  })
}

test('shows what is in the samples, and says where the files are', async () => {
  const { code, stdout, stderr } = await start()
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toMatch(/Read and index .* 28 files: 26 new, 2 not read/)
  expect(stdout).toMatch(/Classes .*correspondence \d/)
  expect(stdout).toMatch(/People .*Helen Marsh 12/)
  expect(stdout).toMatch(/Truncated .*damaged-scan\.pdf/)
  expect(stdout).toMatch(/"Orlune Holdings" {2}7 hits/)
  expect(stdout).toContain('[Orlune Holdings] Ltd')
  expect(stdout).toMatch(/Done in [\d.]+ s\./)
  expect(stdout).not.toContain('\x1b')
  const files = await readdir(join(folder, 'out'))
  for (const ending of ['.csv', '.zip', '.sqlite']) expect(files.some((name) => name.endsWith(ending))).toBe(true)
}, 120_000)

test('a second run reads nothing again', async () => {
  const { code, stdout } = await start()
  expect(code).toBe(0)
  expect(stdout).toMatch(/28 files: 0 new, 26 unchanged, 2 not read/)
  expect(stdout).toMatch(/Find entities .*nothing new/)
}, 120_000)

test('a folder of the caller is searched for what it names', async () => {
  const own = await mkdtemp(join(folder, 'own-'))
  await writeFile(join(own, 'a.txt'), 'Anna Keller wrote to Greenhill Foods Ltd in Lisbon on 3 May 2024.')
  const { code, stdout } = await start(own)
  expect(code).toBe(0)
  expect(stdout).toMatch(/"Anna Keller" {2}1 hit\n/)
}, 120_000)

test('a bad folder is one line on stderr and exit code 1', async () => {
  expect(await start('absent')).toEqual({
    code: 1,
    stdout: '',
    stderr: `start: There is no folder ${join(folder, 'absent')}\n`,
  })
  expect(await start(START)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^start: .* is a file.*\n$/) as string,
  })
})

test('an index that is none is one line on stderr and exit code 1', async () => {
  const own = await mkdtemp(join(folder, 'broken-'))
  await start(own)
  const files = await readdir(join(folder, 'out'))
  const index = files.find((name) => name.startsWith('broken-') && name.endsWith('.sqlite'))!
  await writeFile(join(folder, 'out', index), 'no database '.repeat(100))
  const { code, stderr } = await start(own)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^start: .*\.sqlite is no search index: choose another path.*\n$/)
}, 120_000)
