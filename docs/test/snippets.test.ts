import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { readPages } from './snippets.ts'
import type { Page } from './snippets.ts'

const DOCS = path.join(import.meta.dirname, '..')
const ROOT = path.join(DOCS, '..')
/** Below the docs, so that what the snippets import is found as their readers would have it installed. */
const WORK = path.join(DOCS, 'out', 'snippets')
const BIN = path.join(ROOT, 'packages', 'cli', 'dist', 'bin.js')

const pages = await readPages(ROOT)
const tasks = pages[0]?.files.find(({ name }) => name === 'tasks.ts')

beforeAll(async () => {
  await rm(WORK, { recursive: true, force: true })
  for (const page of pages) await writePage(page)
})

/** Writes a page's files into a folder of its own; those that speak of `tasks.ts` mean the README's. */
async function writePage(page: Page): Promise<void> {
  const folder = folderOf(page)
  await mkdir(folder, { recursive: true })
  for (const { name, text } of [...(tasks ? [tasks] : []), ...page.files])
    await writeFile(path.join(folder, name), text)
}

function folderOf(page: Page): string {
  return path.join(WORK, page.file.replaceAll(/[/\\.]/g, '-'))
}

interface Finished {
  readonly code: number
  readonly output: string
}

/** Both streams in the order in which they were written, as a terminal shows them. */
function run(command: string, cwd: string): Promise<Finished> {
  return new Promise((resolve) => {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DS_')))
    execFile('sh', ['-c', `exec 2>&1\n${command}`], { cwd, env: environment, timeout: 60_000 }, (error, stdout) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout }),
    )
  })
}

test('every shown file compiles', { timeout: 120_000 }, async () => {
  const config = {
    extends: path.join(ROOT, 'tsconfig.base.json'),
    compilerOptions: {
      isolatedDeclarations: false,
      declaration: false,
      types: ['node'],
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
    },
    include: ['*/*.ts'],
  }
  await writeFile(path.join(WORK, 'tsconfig.json'), JSON.stringify(config))
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc')
  const { code, output } = await run(`'${tsc}' -p .`, WORK)
  expect({ code, output }).toEqual({ code: 0, output: '' })
})

/** Times differ from run to run. */
function comparable(output: string): string {
  return output.replaceAll(/\d+(\.\d)? (s|ms)\b/g, 'TIME').trim()
}

describe.each(pages.filter(({ commands }) => commands.length > 0))('the commands of $file', (page) => {
  test.each(page.commands)('$command', { timeout: 90_000 }, async ({ command, output }) => {
    const finished = await run(command.replace('npx ds', `'${process.execPath}' '${BIN}'`), folderOf(page))
    expect(comparable(finished.output)).toBe(comparable(output))
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
