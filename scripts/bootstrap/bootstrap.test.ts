import { rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ended, MiniatureCheckout } from './miniature-checkout.ts'

let checkout: MiniatureCheckout

beforeEach(() => {
  checkout = new MiniatureCheckout()
})
afterEach(() => checkout[Symbol.dispose]())

describe('what the bootstrap does before a command', () => {
  test('installs and builds once, then nothing', async () => {
    expect((await checkout.run(['start'])).code).toBe(0)
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
    const { code, err } = await checkout.run(['start'])
    expect({ code, err, calls: checkout.pnpmCalls() }).toEqual({ code: 0, err: '', calls: [] })
  })

  test('builds again when a source or a product changed, and not for a test', async () => {
    await checkout.run(['start'])
    checkout.pnpmCalls()
    checkout.write('packages/core/src/index.test.ts', '// changed')
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual([])
    checkout.write('packages/core/src/index.ts', '// changed')
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual(['build'])
    rmSync(path.join(checkout.root, 'packages/core/dist'), { recursive: true })
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual(['build'])
  })

  test('installs again when the lockfile or a manifest changed, or node_modules are gone', async () => {
    await checkout.run(['start'])
    checkout.pnpmCalls()
    checkout.write('pnpm-lock.yaml', 'lockfileVersion: 10\n')
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
    checkout.write('packages/more/package.json', '{ "name": "more" }')
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual(['install'])
    rmSync(path.join(checkout.root, 'node_modules'), { recursive: true })
    await checkout.run(['start'])
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
  })

  test('does again what failed, and shows why in the output and one line', async () => {
    const failed = await checkout.run(['start'], { PNPM_EXIT: '1', PNPM_SAYS: 'no such package' })
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toContain('no such package\nds-sdk: the packages could not be installed')
    expect(checkout.pnpmCalls()).toEqual(['install'])
    expect((await checkout.run(['start'])).code).toBe(0)
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
  })

  test('says how to mend a lockfile that does not match', async () => {
    const failed = await checkout.run(['start'], { PNPM_EXIT: '1', PNPM_SAYS: 'ERR_PNPM_OUTDATED_LOCKFILE' })
    expect(failed.err).toContain('npm run pnpm -- install')
  })

  test('of two at once one prepares and both run', async () => {
    const runs = await Promise.all([checkout.run(['start', 'a']), checkout.run(['start', 'b'])])
    expect(runs.map(({ code, out }) => [code, (JSON.parse(out) as { words: string[] }).words])).toEqual([
      [0, ['a']],
      [0, ['b']],
    ])
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
  })
})

describe('how the bootstrap runs a command', () => {
  test('with its arguments, where the caller stands, its stdout alone', async () => {
    const { out } = await checkout.run(['start', 'a folder', '--flag'], { INIT_CWD: tmpdir() })
    expect(JSON.parse(out)).toEqual({ words: ['a folder', '--flag'], cwd: tmpdir() })
  })

  test('and ends with its exit code', async () => {
    expect((await checkout.run(['start', 'exit', '3'])).code).toBe(3)
    expect((await checkout.run(['pnpm', 'add'], { PNPM_EXIT: '4' })).code).toBe(4)
  })

  test('and passes SIGTERM on', async () => {
    const child = checkout.start(['start', 'wait'])
    child.stdout.once('data', () => child.kill('SIGTERM'))
    expect((await ended(child)).code).toBe(7)
  })

  test('and refuses an unknown one, naming those it knows', async () => {
    const { code, err } = await checkout.run(['strat'])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/unknown command "strat".*start, ds/) })
  })

  test('and says that a file of the checkout is missing', async () => {
    const { code, err } = await checkout.run(['bench'])
    expect(code).toBe(1)
    expect(err).toContain('this checkout has no bench/src/main.ts')
  })
})

describe('what is left of a run that was ended', () => {
  test('a lock whose holder is gone is taken over', async () => {
    checkout.write('.tools/bootstrap.lock', JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }))
    expect((await checkout.run(['start'])).code).toBe(0)
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
  })

  test('SIGTERM while it prepares ends the step, frees the lock, and the step is done again', async () => {
    const child = checkout.start(['start'], { PNPM_WAITS: '1' })
    child.stderr.once('data', () => setTimeout(() => child.kill('SIGTERM'), 300))
    expect((await ended(child)).code).toBe(143)
    checkout.pnpmCalls()
    expect((await checkout.run(['start'])).code).toBe(0)
    expect(checkout.pnpmCalls()).toEqual(['install', 'build'])
  })
})
