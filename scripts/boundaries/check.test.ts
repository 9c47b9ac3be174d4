import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkBoundaries } from './check.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'boundaries-'))
  for (const name of ['core', 'worker', 'broker-redis', 'broker-nats']) addPackage(name, {})
})

afterEach(() => rmSync(root, { recursive: true }))

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), text)
}

function addPackage(name: string, manifest: object): void {
  write(`packages/${name}/package.json`, JSON.stringify({ name: `@ds/${name}`, type: 'module', ...manifest }))
  write(`packages/${name}/dist/index.js`, 'export const built = 1\n')
  write(`packages/${name}/src/index.ts`, `export const name = '${name}'\n`)
}

async function violations(): Promise<string> {
  return (await checkBoundaries(root)).output
}

describe('the boundaries check', () => {
  test('accepts imports along the arrows', async () => {
    write(
      'packages/worker/src/loop.ts',
      `import { built } from '../../core/dist/index.js'\nexport const loop = built\n`,
    )
    expect(await checkBoundaries(root)).toEqual({ ok: true, output: '' })
  })

  test('rejects an import against the arrows, also one of types only', async () => {
    write(
      'packages/core/src/loop.ts',
      `import { built } from '../../worker/dist/index.js'\nexport const loop = built\n`,
    )
    write(
      'packages/broker-redis/src/a.ts',
      `import type { built } from '../../broker-nats/dist/index.js'\nexport type A = typeof built\n`,
    )
    const output = await violations()
    expect(output).toContain('arrows-of-core: packages/core/src/loop.ts -> packages/worker/dist/index.js')
    expect(output).toContain(
      'arrows-of-broker-redis: packages/broker-redis/src/a.ts -> packages/broker-nats/dist/index.js',
    )
  })

  test('rejects an import against the arrows through the name of the package', async () => {
    const exports = { '.': './dist/index.js' }
    addPackage('worker', { exports })
    mkdirSync(path.join(root, 'packages/core/node_modules/@ds'), { recursive: true })
    symlinkSync(path.join(root, 'packages/worker'), path.join(root, 'packages/core/node_modules/@ds/worker'))
    write('packages/core/src/loop.ts', `import { built } from '@ds/worker'\nexport const loop = built\n`)
    expect(await violations()).toContain('arrows-of-core: packages/core/src/loop.ts -> packages/worker/dist/index.js')
  })

  test('lets the tests of an adapter import the conformance kit, and its sources not', async () => {
    addPackage('broker-testing', {})
    const text = `import { built } from '../../broker-testing/dist/index.js'\nexport const kit = built\n`
    write('packages/broker-redis/test/conformance.test.ts', text)
    expect(await violations()).toBe('')
    write('packages/broker-redis/src/kit.ts', text)
    expect(await violations()).toContain('arrows-of-broker-redis: packages/broker-redis/src/kit.ts')
  })

  test('rejects modules that load each other, and lets types name each other', async () => {
    write('packages/core/src/a.ts', `import type { B } from './b.ts'\nexport type A = B | 1\nexport const a = 1\n`)
    write('packages/core/src/b.ts', `import { a } from './a.ts'\nexport type B = 'b'\nexport const b = a\n`)
    expect(await violations()).toBe('')
    write('packages/core/src/a.ts', `import { b } from './b.ts'\nexport const a = (): number => b\n`)
    expect(await violations()).toContain('no-cycles: packages/core/src/')
  })

  test('rejects an import into the sources of another package', async () => {
    write('packages/worker/src/loop.ts', `import { name } from '../../core/src/index.ts'\nexport const loop = name\n`)
    write('examples/first/package.json', '{ "name": "first", "type": "module" }')
    write(
      'examples/first/src/index.ts',
      `import { name } from '../../../packages/core/src/index.ts'\nexport { name }\n`,
    )
    const output = await violations()
    expect(output).toContain('no-deep-imports: packages/worker/src/loop.ts -> packages/core/src/index.ts')
    expect(output).toContain('no-deep-imports: examples/first/src/index.ts -> packages/core/src/index.ts')
  })

  test('accepts a package that imports itself by name', async () => {
    write('packages/core/test/own.ts', `import { built } from '@ds/core'\nexport const own = built\n`)
    expect(await violations()).toBe('')
  })

  test('rejects a package that uses an example, and an import of nothing', async () => {
    write('examples/first/package.json', '{ "name": "first", "type": "module" }')
    write('examples/first/src/index.ts', 'export const first = 1\n')
    write(
      'packages/core/src/a.ts',
      `import { first } from '../../../examples/first/src/index.ts'\nexport const a = first\n`,
    )
    write('packages/core/src/b.ts', `import { gone } from './gone.ts'\nexport const b = gone\n`)
    const output = await violations()
    expect(output).toContain('nothing-uses-examples: packages/core/src/a.ts')
    expect(output).toContain('no-unresolved-imports: packages/core/src/b.ts -> ./gone.ts')
  })

  test('rejects a manifest against the arrows, and a package without arrows', async () => {
    addPackage('core', { dependencies: { '@ds/worker': '*' } })
    addPackage('broker-redis', { devDependencies: { '@ds/broker-testing': '*', '@ds/broker-nats': '*' } })
    addPackage('surprise', {})
    const output = await violations()
    expect(output).toContain('packages/core/package.json names @ds/worker')
    expect(output).toContain('packages/broker-redis/package.json names @ds/broker-nats')
    expect(output).not.toContain('names @ds/broker-testing')
    expect(output).toContain('packages/surprise has no arrows')
  })
})
