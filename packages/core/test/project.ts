import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** A folder of somebody's program, gone after the test. */
export interface Project extends AsyncDisposable {
  readonly folder: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** From then on `run` uses a copy of this package that has no other packages beside it, as after a plain install. */
  copyCore(): Promise<void>
  /** Runs code in a process of its own, in this folder; `core` is this package. Gives what `answer` was called with, and the warnings. */
  run(code: string, environment?: Readonly<Record<string, string>>): Promise<{ answer: unknown; warnings: string }>
}

const SOURCE = path.resolve(import.meta.dirname, '../src')
const CORE = pathToFileURL(path.join(SOURCE, 'index.ts')).href

/** These processes compile the same files again and again. */
const NODE_COMPILE_CACHE = path.join(SOURCE, '../node_modules/.cache/compiled')

/** This package as it would be installed; Node does not strip types below node_modules. */
const INSTALLED_CORE = {
  'node_modules/@ds/core/package.json': '{"name":"@ds/core","type":"module","exports":"./index.js"}',
  'node_modules/@ds/core/index.js': `export * from ${JSON.stringify(CORE)}`,
}

export async function createProject(files: Readonly<Record<string, string>> = {}): Promise<Project> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'ds-core-')))
  let core = CORE
  const project: Project = {
    folder,
    async write(contents) {
      for (const [name, content] of Object.entries(contents)) {
        const file = path.join(folder, name)
        await mkdir(path.dirname(file), { recursive: true })
        await writeFile(file, content)
      }
    },
    async copyCore() {
      const copy = path.join(folder, 'core')
      await cp(SOURCE, copy, { recursive: true, filter: (file) => !file.endsWith('.test.ts') })
      const needed = await realpath(path.join(SOURCE, '../node_modules/import-meta-resolve'))
      await symlink(needed, path.join(folder, 'node_modules/import-meta-resolve'))
      core = pathToFileURL(path.join(copy, 'index.ts')).href
    },
    run: (code, environment = {}) => runIn(folder, preludeOf(core) + code, environment),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
  await project.write({ 'package.json': '{"type":"module"}', ...INSTALLED_CORE, ...files })
  return project
}

/** What an error says, for `run`: `await failing(() => core.loadConfig())`. */
const preludeOf = (core: string): string => `
const core = await import(${JSON.stringify(core)})
const answer = (value) => process.stdout.write(JSON.stringify(value ?? null))
const failing = (call) => call().then(() => 'nothing failed', ({ code, message }) => ({ code, message }))
`

function runIn(
  folder: string,
  code: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ answer: unknown; warnings: string }> {
  const { PATH } = process.env
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', code],
      { cwd: folder, env: { PATH, NODE_COMPILE_CACHE, ...environment }, timeout: 20_000 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stderr}`))
        else resolve({ answer: JSON.parse(stdout) as unknown, warnings: stderr })
      },
    )
  })
}
