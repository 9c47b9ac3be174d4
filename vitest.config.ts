import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'vitest/config'
import type { TestProjectConfiguration } from 'vitest/config'

const root = import.meta.dirname

/** One run for all packages: each workspace folder is a project of its own, named after its package. */
function project(folder: string): TestProjectConfiguration {
  if (existsSync(path.join(root, folder, 'vitest.config.ts'))) return path.join(root, folder, 'vitest.config.ts')
  const { name } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as { name: string }
  return { extends: true, test: { name, root: path.join(root, folder) } }
}

const workspaces = globSync(['packages/*/package.json', 'examples/*/package.json', 'bench/package.json'], {
  cwd: root,
}).sort()

export default defineConfig({
  test: {
    include: ['{src,test,bin}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      ...workspaces.map((file) => project(path.dirname(file))),
      { extends: true, test: { name: 'scripts', root, include: ['scripts/**/*.test.ts'] } },
    ],
  },
})
