import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPages } from './snippets.ts'

const execute = promisify(execFile)
const ROOT = path.join(import.meta.dirname, '..', '..')
const PACKAGES = ['core', 'worker', 'cli']

let folder: string

/** An empty folder of somebody who has just heard of it, with the packages as they would be published. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ds-first-minute-'))
  for (const name of PACKAGES) {
    await execute('pnpm', ['pack', '--pack-destination', folder], { cwd: path.join(ROOT, 'packages', name) })
  }
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  await execute('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((name) => `./${name}`)], { cwd: folder })
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'the first minute of the README works with the packed packages in an empty folder',
  { timeout: 60_000 },
  async () => {
    const [readme] = await readPages(ROOT)
    const tasks = readme?.files.find(({ name }) => name === 'tasks.ts')
    const [shown] = readme?.commands ?? []
    if (!tasks || !shown) throw new Error('the README shows no tasks.ts or no command')
    await writeFile(path.join(folder, tasks.name), tasks.text)
    const { stdout } = await execute('sh', ['-c', shown.command], { cwd: folder })
    expect(stdout.trim()).toBe(shown.output.trim().split('\n').at(-1))
  },
)

test('a program in that folder finds its types', { timeout: 60_000 }, async () => {
  await writeFile(path.join(folder, 'wrong.ts'), "import { createApp } from '@ds/core'\ncreateApp(1, [])\n")
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', 'wrong.ts']
  const failure: unknown = await execute(tsc, flags, { cwd: folder }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ stdout: expect.stringMatching(/^wrong\.ts\(2,11\): error TS2345/) as string })
})
