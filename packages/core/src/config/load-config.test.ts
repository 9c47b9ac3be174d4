import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProject } from '../../test/project.ts'
import { createApp } from '../app/app.ts'
import { loadConfig } from './load-config.ts'
import type { ConfigOptions } from './load-config.ts'
import { createMemoryBroker } from '../memory/memory-broker.ts'

const NONE = { environment: {} }

describe('the config that holds', () => {
  test('is the default where nothing is said', async () => {
    await using project = await createProject()
    expect(await loadConfig({}, { cwd: project.folder, ...NONE })).toEqual({
      broker: { url: 'memory:' },
      namespace: 'default',
      requireDurable: false,
      worker: {},
      folder: project.folder,
    })
  })

  test('is what is given, over the environment, over the file', async () => {
    await using project = await createProject({
      'ds.config.json': JSON.stringify({
        app: './tasks.ts',
        broker: 'redis://file',
        namespace: 'file',
        maxPayload: '1mb',
        retention: { age: '1d', count: 5 },
        worker: { concurrency: 1, lease: '1s', groups: ['file'] },
      }),
    })
    const environment = { DS_NAMESPACE: 'environment', DS_CONCURRENCY: '2', DS_RETENTION_COUNT: '6', DS_LEASE: '2s' }
    const config = await loadConfig(
      { namespace: 'given', worker: { lease: '3s' } },
      { cwd: project.folder, environment },
    )
    expect(config).toEqual({
      app: path.join(project.folder, 'tasks.ts'),
      broker: { url: 'redis://file' },
      namespace: 'given',
      maxPayload: 1024 * 1024,
      retention: { age: 86_400_000, count: 6 },
      requireDurable: false,
      worker: { concurrency: 2, lease: 3000, groups: ['file'] },
      folder: project.folder,
      file: path.join(project.folder, 'ds.config.json'),
    })
  })

  test('takes undefined for absent', async () => {
    await using project = await createProject({ 'ds.config.json': '{"namespace":"file"}' })
    const options = { namespace: undefined, broker: undefined } as unknown as ConfigOptions
    expect(await loadConfig(options, { cwd: project.folder, ...NONE })).toMatchObject({ namespace: 'file' })
  })

  test('takes an App and a Broker as they are', async () => {
    const app = createApp('a', [])
    const broker = createMemoryBroker()
    expect(await loadConfig({ app, broker }, NONE)).toMatchObject({ app, broker })
  })

  test('refuses options that a broker which is made already cannot heed', async () => {
    await expect(loadConfig({ broker: createMemoryBroker(), namespace: 'n' }, NONE)).rejects.toThrow(
      /namespace is given beside a broker that is made already/,
    )
  })
})

describe('the config file', () => {
  test('is found in a folder above, and its paths start from there', async () => {
    await using project = await createProject({
      'ds.config.json': '{"app":"./tasks.ts","broker":{"adapter":"./my-adapter.js","size":3}}',
      'deep/down/here.txt': '',
    })
    expect(await loadConfig({}, { cwd: path.join(project.folder, 'deep/down'), ...NONE })).toMatchObject({
      app: path.join(project.folder, 'tasks.ts'),
      broker: { adapter: path.join(project.folder, 'my-adapter.js'), size: 3 },
      folder: project.folder,
    })
  })

  test('paths that are given or set start from where the program does', async () => {
    await using project = await createProject({ 'ds.config.json': '{}', 'deep/here.txt': '' })
    const cwd = path.join(project.folder, 'deep')
    expect(await loadConfig({ app: 'tasks.ts' }, { cwd, ...NONE })).toMatchObject({ app: path.join(cwd, 'tasks.ts') })
    expect(await loadConfig({}, { cwd, environment: { DS_APP: './tasks.ts' } })).toMatchObject({
      app: path.join(cwd, 'tasks.ts'),
    })
    expect(await loadConfig({ app: '@acme/tasks' }, { cwd, ...NONE })).toMatchObject({ app: '@acme/tasks' })
  })

  test('in JSON may begin with a byte order mark', async () => {
    await using project = await createProject({ 'ds.config.json': '\uFEFF{"namespace":"marked"}' })
    expect(await loadConfig({}, { cwd: project.folder, ...NONE })).toMatchObject({ namespace: 'marked' })
  })

  test('is the one that is named, by option or DS_CONFIG', async () => {
    await using project = await createProject({
      'ds.config.json': '{"namespace":"found"}',
      'other.json': '{"namespace":"named"}',
    })
    const { folder } = project
    expect(await loadConfig({ config: 'other.json' }, { cwd: folder, ...NONE })).toMatchObject({ namespace: 'named' })
    expect(await loadConfig({}, { cwd: folder, environment: { DS_CONFIG: 'other.json' } })).toMatchObject({
      namespace: 'named',
    })
    await expect(loadConfig({ config: 'absent.json' }, { cwd: folder, ...NONE })).rejects.toMatchObject({
      code: 'ConfigInvalid',
      message: `There is no config file ${path.join(folder, 'absent.json')}. Check the path, or leave it out`,
    })
  })

  test.each([
    [
      'ds.config.ts',
      `import { defineConfig } from '@ds/core'\nconst namespace: string = 'typed'\nexport default defineConfig({ namespace })`,
      'typed',
    ],
    ['ds.config.js', `export default { namespace: 'script' }`, 'script'],
    ['ds.config.mjs', `export default { namespace: 'module' }`, 'module'],
  ])('%s is loaded as it is', async (name, content, namespace) => {
    await using project = await createProject({ [name]: content })
    const { answer } = await project.run('answer(await core.loadConfig())')
    expect(answer).toMatchObject({ namespace, file: path.join(project.folder, name) })
  })

  test('in TypeScript goes before one in JavaScript', async () => {
    await using project = await createProject({
      'ds.config.ts': `export default { namespace: 'ts' }`,
      'ds.config.js': `export default { namespace: 'js' }`,
      'ds.config.json': '{}',
    })
    const { answer } = await project.run('answer((await core.loadConfig()).namespace)')
    expect(answer).toBe('ts')
  })
})

describe('a config that cannot be used is refused in one line', () => {
  test.each([
    [
      'a misspelt key',
      { brokr: 'x' },
      /^Unknown key brokr in FILE\. Did you mean broker\? Known are: app, broker, namespace/,
    ],
    [
      'a misspelt key inside',
      { worker: { concurency: 2 } },
      /^Unknown key worker\.concurency in FILE\. Did you mean concurrency\?/,
    ],
    ['a key of Object', { constructor: 1 }, /^Unknown key constructor in FILE/],
    ['a list', [], /^The config in FILE is a list of 0\. Give an object/],
    ['a text', 'x', /^The config in FILE is "x"\. Give an object/],
    ['an App that is none', { app: 3 }, /^app in FILE is 3\. Give a file/],
    ['a broker that is a number', { broker: 7 }, /^broker in FILE is 7\. Give a URL/],
    ['a broker without url and adapter', { broker: { host: 'h' } }, /^broker in FILE is an object\. Give a URL/],
    ['a broker url that is no text', { broker: { url: 3 } }, /^broker\.url in FILE is 3\. Give a text/],
    ['a namespace with capitals', { namespace: 'Mine' }, /^namespace in FILE is "Mine"\. Use 1 to 48 of a-z/],
    ['a time that is none', { retention: { age: 'soon' } }, /^retention\.age in FILE is "soon"\. Give milliseconds/],
    [
      'a count below 0',
      { retention: { count: -1 } },
      /^retention\.count in FILE is -1\. Give a whole number of at least 0/,
    ],
    ['a size that is none', { maxPayload: 'big' }, /^maxPayload in FILE is "big"\. Give bytes/],
    ['a size of 0', { maxPayload: 0 }, /^maxPayload in FILE is 0/],
    ['a flag that is none', { requireDurable: 'yes' }, /^requireDurable in FILE is "yes"\. Give true or false/],
    ['groups that are a text', { worker: { groups: 'io' } }, /^worker\.groups in FILE is "io"\. Give a list/],
    ['a group that is none', { worker: { groups: ['io', 'a.b'] } }, /^worker\.groups\[1\] in FILE is "a\.b"/],
    ['no groups', { worker: { groups: [] } }, /^worker\.groups in FILE is a list of 0/],
    ['half a slot', { worker: { concurrency: 0.5 } }, /^worker\.concurrency in FILE is 0\.5\. Give a whole number/],
    ['a value of null', { namespace: null }, /^namespace in FILE is null/],
  ])('%s', async (_what, content, message) => {
    await using project = await createProject({ 'ds.config.json': JSON.stringify(content) })
    const refusal = await refusalOf(project.folder)
    expect(refusal).toMatchObject({ code: 'ConfigInvalid' })
    expect(refusal.message.replace(path.join(project.folder, 'ds.config.json'), 'FILE')).toMatch(message)
    expect(refusal.message).not.toContain('\n')
  })

  test('an option that is unknown', async () => {
    const options = { namespaces: 'x' } as ConfigOptions
    await expect(loadConfig(options, NONE)).rejects.toThrow(
      /^Unknown key namespaces in the options\. Did you mean namespace\?/,
    )
  })

  test('never shows a password', async () => {
    await using project = await createProject({ 'ds.config.json': '{"namespace":"redis://me:secret@host"}' })
    expect((await refusalOf(project.folder)).message).not.toContain('secret')
  })

  test('JSON that is none', async () => {
    await using project = await createProject({ 'ds.config.json': '{ namespace: 1 }' })
    expect((await refusalOf(project.folder)).message).toMatch(/ds\.config\.json is not valid JSON: /)
  })

  test.each(['{"broker":{"url":"redis://me:secret@host"} x}', '{"a":"secret" x', '{"a": secret}', '"secret', 'secret'])(
    'JSON that is none, without a look at it: %s',
    async (content) => {
      await using project = await createProject({ 'ds.config.json': content })
      const { message } = await refusalOf(project.folder)
      expect(message).toContain('is not valid JSON: ')
      expect(message).not.toMatch(/ecre/u)
      expect(message).not.toContain('\n')
    },
  )

  test.each([
    [
      'without a default export',
      'export const config = {}',
      /has no default export\. Write: export default defineConfig/,
    ],
    ['with a syntax error', 'export default {\n  a: = 1\n}', /cannot be loaded: SyntaxError: .* \(FILE:2\)$/],
    [
      'with syntax that is not stripped',
      'const x = 1\nenum Broker { A }\nexport default {}',
      /cannot be loaded: SyntaxError: .*enum.* \(FILE:2\)$/,
    ],
    [
      'that throws',
      '\n\nthrow new TypeError("no broker today")',
      /cannot be loaded: TypeError: no broker today \(FILE:3\)$/,
    ],
    [
      'that needs a package',
      "import 'dotenv'\nexport default {}",
      /cannot be loaded: Cannot find package 'dotenv' \(FILE\)\. Run: npm install dotenv$/,
    ],
  ])('a TypeScript file %s', async (_what, content, message) => {
    await using project = await createProject({ 'ds.config.ts': content })
    const { answer } = await project.run('answer(await failing(() => core.loadConfig()))')
    const refusal = answer as { code: string; message: string }
    expect(refusal.code).toBe('ConfigInvalid')
    expect(refusal.message.replaceAll(path.join(project.folder, 'ds.config.ts'), 'FILE')).toMatch(message)
    expect(refusal.message).not.toContain('\n')
  })

  test('a JavaScript file with a syntax error, with its line', async () => {
    await using project = await createProject({ 'ds.config.js': 'export default {\n  a: = 1\n}' })
    const { answer } = await project.run('answer(await failing(() => core.loadConfig()))')
    expect(answer).toMatchObject({
      message: expect.stringMatching(/SyntaxError: .* \(.*ds\.config\.js:2\)$/) as string,
    })
  })
})

test('a variable that is not read is warned about once', async () => {
  await using project = await createProject()
  const { warnings } = await project.run('await core.loadConfig(); await core.loadConfig(); answer()', {
    DS_BROKER_ULR: 'redis://h',
    DS_TEST_SERVER: 'x',
  })
  expect(
    warnings.match(/DsWarning: The environment variable DS_BROKER_ULR is not read. Did you mean DS_BROKER_URL\?/g),
  ).toHaveLength(1)
  expect(warnings).not.toContain('DS_TEST_SERVER')
})

async function refusalOf(cwd: string): Promise<{ code: string; message: string }> {
  try {
    await loadConfig({}, { cwd, ...NONE })
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was refused')
}
