import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { comparable, ROOT, runCommand } from './run-command.ts'

const EXAMPLES = path.join(ROOT, 'examples')
const numbered = (await readdir(EXAMPLES)).filter((name) => /^\d\d-/.test(name))

interface Manifest {
  readonly private?: boolean
  readonly scripts: Readonly<Record<string, string>>
}

describe.each(numbered)('the example %s', (name) => {
  const folder = path.join(EXAMPLES, name)

  test('prints what it says it prints', { timeout: 60_000 }, async () => {
    const { scripts } = await readManifest(folder)
    const expected = await readFile(path.join(folder, 'expected-output.txt'), 'utf8')
    // A worker's log is for whoever runs it, and goes beside what the example shows.
    const environment = { DS_LOG_LEVEL: 'silent' }
    const { code, output } = await runCommand(scripts['start'] ?? 'false', { cwd: folder, environment })
    expect({ code, output: comparable(output) }).toEqual({ code: 0, output: comparable(expected) })
  })

  test('is not published', async () => {
    expect((await readManifest(folder)).private).toBe(true)
  })
})

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Manifest
}
