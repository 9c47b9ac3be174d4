import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { folderOf, outFolder, writePages } from './page-folders.ts'
import { comparable, matches, ROOT, runCommand } from './run-command.ts'
import { readPages } from './snippets.ts'

const OUT = outFolder('snippets')
const pages = await readPages(ROOT)

beforeAll(() => writePages(pages, OUT))

test('every shown file compiles', { timeout: 120_000 }, async () => {
  const config = {
    extends: path.join(ROOT, 'tsconfig.base.json'),
    compilerOptions: {
      isolatedDeclarations: false,
      declaration: false,
      types: ['node'],
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
    },
    include: ['*/**/*.ts'],
  }
  await writeFile(path.join(OUT, 'tsconfig.json'), JSON.stringify(config))
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc')
  const { code, output } = await runCommand(`'${tsc}' -p .`, { cwd: OUT })
  expect({ code, output }).toEqual({ code: 0, output: '' })
})

describe.each(pages.filter(({ commands }) => commands.length > 0))('the commands of $file', (page) => {
  test.each(page.commands)('$command', { timeout: 90_000 }, async ({ command, output }) => {
    const finished = await runCommand(command, { cwd: folderOf(page, OUT) })
    if (!matches(finished.output, output)) expect(comparable(finished.output)).toBe(comparable(output))
  })
})

test('every link between pages leads somewhere', async () => {
  const broken: string[] = []
  for (const { file } of pages) {
    const text = await readFile(path.join(ROOT, file), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const there = await readFile(path.join(ROOT, path.dirname(file), target)).catch(
        (error: NodeJS.ErrnoException) => error.code === 'EISDIR',
      )
      if (there === false) broken.push(`${file}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})
