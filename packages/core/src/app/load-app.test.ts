import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProject } from '../../test/project.ts'
import { isFileReference } from './load-app.ts'

const TASKS = `
import { createApp, defineTask } from '@ds/core'
const greet: ReturnType<typeof defineTask> = defineTask('greet', () => 'hello')
`
const LOAD = `const { app, file } = await core.loadApp(REFERENCE)
answer({ name: app.name, tasks: [...app.tasks.keys()], file })`
const load = (reference: string): string => LOAD.replace('REFERENCE', JSON.stringify(reference))
const fail = (reference: string): string => `answer(await failing(() => core.loadApp(${JSON.stringify(reference)})))`

describe('an App is loaded', () => {
  test.each(['tasks.ts', './tasks.ts', 'deep/../tasks.ts'])('from the file %s', async (reference) => {
    await using project = await createProject({ 'tasks.ts': `${TASKS}export const app = createApp('hello', [greet])` })
    const { answer } = await project.run(load(reference))
    expect(answer).toEqual({ name: 'hello', tasks: ['greet'], file: path.join(project.folder, 'tasks.ts') })
  })

  test('from an absolute path, also one with a space', async () => {
    await using project = await createProject({
      'my tasks/t.mjs': `import { createApp } from '@ds/core'\nexport const app = createApp('a', [])`,
    })
    const { answer } = await project.run(load(path.join(project.folder, 'my tasks/t.mjs')))
    expect(answer).toMatchObject({ name: 'a' })
  })

  test.each([
    ['the export named app', `export default createApp('default', []); export const app = createApp('app', [])`, 'app'],
    [
      'else the default',
      `export default createApp('default', []); export const other = createApp('other', [])`,
      'default',
    ],
    [
      'else the only one',
      `export const mine = createApp('mine', [greet]); export const again = mine; export { greet }`,
      'mine',
    ],
  ])('%s', async (_what, exports, name) => {
    await using project = await createProject({ 'tasks.ts': TASKS + exports })
    expect((await project.run(load('./tasks.ts'))).answer).toMatchObject({ name })
  })

  test('from an installed package that names it', async () => {
    await using project = await createProject({
      'node_modules/@acme/ocr/package.json':
        '{"type":"module","ds":{"app":"./dist/app.js"},"exports":"./dist/index.js"}',
      'node_modules/@acme/ocr/dist/app.js': `import { createApp } from '@ds/core'\nexport const app = createApp('ocr', [])`,
      'node_modules/@acme/ocr/dist/index.js': 'export const nothing = 1',
      'deep/here.txt': '',
    })
    const file = path.join(project.folder, 'node_modules/@acme/ocr/dist/app.js')
    expect((await project.run(load('@acme/ocr'))).answer).toMatchObject({ name: 'ocr', file })
    const below = `const { file } = await core.loadApp('@acme/ocr', ${JSON.stringify(path.join(project.folder, 'deep'))}); answer(file)`
    expect((await project.run(below)).answer).toBe(file)
  })

  test('from the main export of a package that names none, ESM only', async () => {
    await using project = await createProject({
      'node_modules/ocr/package.json': '{"type":"module","exports":{".":{"import":"./main.js"}}}',
      'node_modules/ocr/main.js': `import { createApp } from '@ds/core'\nexport default createApp('ocr', [])`,
    })
    expect((await project.run(load('ocr'))).answer).toMatchObject({ name: 'ocr' })
  })

  test('from the folder of a package', async () => {
    await using project = await createProject({
      'package.json': '{"type":"module","ds":{"app":"./src/app.ts"}}',
      'src/app.ts': `${TASKS}export const app = createApp('own', [greet])`,
    })
    expect((await project.run(load('.'))).answer).toMatchObject({ name: 'own', tasks: ['greet'] })
  })
})

describe('an App that is not there is said in one line', () => {
  test.each([
    ['a file', './absent.ts', 'There is no file ROOT/absent.ts. Check the path of the App'],
    [
      'a package',
      '@acme/absent',
      'The package @acme/absent is not installed in ROOT. Run: npm install @acme/absent. A file is written with its ending or as a path, as in ./@acme/absent.ts',
    ],
    [
      'a name that may be a file',
      'tasks',
      'The package tasks is not installed in ROOT. Run: npm install tasks. A file is written with its ending or as a path, as in ./tasks.ts',
    ],
  ])('%s', async (_what, reference, message) => {
    await using project = await createProject()
    const { answer } = await project.run(fail(reference))
    expect(answer).toEqual({ code: 'AppNotFound', message: message.replace('ROOT', project.folder) })
  })
})

describe('an App that cannot be had is said in one line', () => {
  test.each([
    [
      'no App',
      `${TASKS}export { greet }\nexport const size = 3`,
      /^FILE exports no App\. It exports: greet, size\. Write: export const app/,
    ],
    ['nothing', 'const x = 1', /^FILE exports no App\. It exports nothing\./],
    [
      'two Apps',
      `${TASKS}export const a = createApp('a', []), b = createApp('b', [])`,
      /^FILE exports 2 Apps: a, b\. Export the one to run as app$/,
    ],
    ['a syntax error', 'export const app = (\n\n', /^The App in FILE cannot be loaded: SyntaxError: .* \(FILE:\d\)$/],
    ['an enum', '\nexport enum Kind { A }', /^The App in FILE cannot be loaded: SyntaxError: .*enum.* \(FILE:2\)$/],
    [
      'an import of an absent package',
      `import 'pdf-reader'`,
      /cannot be loaded: Cannot find package 'pdf-reader' \(FILE\)\. Run: npm install pdf-reader$/,
    ],
    [
      'an import of an absent file',
      `import './gone.ts'`,
      /cannot be loaded: Cannot find module '.*gone\.ts' \(FILE\)$/,
    ],
    [
      'an import of what is not exported',
      `import { nope } from 'node:fs'`,
      /cannot be loaded: SyntaxError: .*'nope' \(FILE:1\)$/,
    ],
    [
      'two tasks of one name',
      `${TASKS}export const app = createApp('a', [greet, defineTask('greet', () => 1)])`,
      /cannot be loaded: DuplicateTask: The App a has two tasks named "greet"\. Rename one of them \(FILE:\d\)$/,
    ],
    ['something that throws no error', 'throw null', /cannot be loaded: null \(FILE\)$/],
  ])('a file with %s', async (_what, content, message) => {
    await using project = await createProject({ 'tasks.ts': content })
    const { answer } = await project.run(fail('./tasks.ts'))
    const refusal = answer as { code: string; message: string }
    expect(refusal.code).toBe('AppInvalid')
    expect(refusal.message.replaceAll(path.join(project.folder, 'tasks.ts'), 'FILE')).toMatch(message)
    expect(refusal.message).not.toContain('\n')
  })

  test.each([
    [
      'names a file that is not there',
      '{"ds":{"app":"./dist/app.js"}}',
      /names \.\/dist\/app\.js as its App, and there is no such file\. Build the package/,
    ],
    [
      'has no main export',
      '{"type":"module"}',
      /The package ocr has neither an App nor a main export\. Name the file of the App/,
    ],
  ])('a package that %s', async (_what, manifest, message) => {
    await using project = await createProject({ 'node_modules/ocr/package.json': manifest })
    const { answer } = await project.run(fail('ocr'))
    expect(answer).toMatchObject({ code: 'AppInvalid', message: expect.stringMatching(message) as string })
  })

  test('a folder that names none', async () => {
    await using project = await createProject()
    const { answer } = await project.run(fail('.'))
    expect(answer).toMatchObject({ code: 'AppInvalid', message: expect.stringMatching(/names no App/) as string })
  })
})

test.each([
  ['./tasks.ts', true],
  ['../tasks', true],
  ['/abs/tasks.js', true],
  ['C:\\tasks', true],
  ['.', true],
  ['..', true],
  ['tasks.ts', true],
  ['src/tasks.mjs', true],
  ['tasks', false],
  ['@acme/tasks-ocr', false],
  ['@acme/tasks/sub', false],
])('the reference %s means a file: %s', (reference, isFile) => {
  expect(isFileReference(reference)).toBe(isFile)
})
