import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import type { TestProjectConfiguration } from 'vitest/config'
import { workspaceFolders } from './scripts/bootstrap/fingerprint.mjs'

const root = import.meta.dirname
const quick = process.env['DS_TEST_QUICK'] === '1'

/** Adapters: what their test folders hold runs against a real server, one file at a time, after all the rest. */
function isAdapter(folder: string): boolean {
  return folder.startsWith('packages/broker-') && folder !== 'packages/broker-testing'
}

/** Each workspace folder is a project named after its package; a vitest.config.ts of its own takes precedence. */
function project(folder: string): TestProjectConfiguration {
  const own = path.join(root, folder, 'vitest.config.ts')
  if (existsSync(own)) return own
  const { name } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as { name: string }
  const adapter = isAdapter(folder)
  // What needs a server, and the kit's long look at itself.
  const leftOut = adapter ? ['test/**'] : ['test/**/*server*.test.ts', 'test/broken-brokers.test.ts']
  return {
    extends: true,
    test: {
      name,
      root: path.join(root, folder),
      exclude: [...configDefaults.exclude, ...(quick ? leftOut : [])],
      ...(adapter && { fileParallelism: false, sequence: { groupOrder: 1 } }),
    },
  }
}

export default defineConfig({
  test: {
    include: ['{src,test,bin}/**/*.test.ts'],
    // Many tests wait for time to pass: two at once fill one core.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A condition that is met late on a busy machine is met.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      ...workspaceFolders(root).map(project),
      { extends: true, test: { name: 'scripts', root, include: ['scripts/**/*.test.ts'] } },
    ],
  },
})
