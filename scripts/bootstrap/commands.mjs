import { existsSync } from 'node:fs'
import path from 'node:path'
import { Failure } from './failure.mjs'

/**
 * @import { Needs } from './prepare.mjs'
 * @import { Toolchain } from './toolchain.mjs'
 * @typedef {object} Command
 * @property {Needs} needs what must be in place before it runs
 * @property {'caller' | 'root'} cwd where it runs
 * @property {(root: string, toolchain: Toolchain) => [string, ...string[]]} [run] its command line; none: preparing is all
 */

/**
 * A file of the checkout, run by Node where the caller stands. TypeScript runs as it is: its types are stripped.
 * @param {string} file
 * @param {Needs} needs
 * @param {string[]} words its first arguments
 * @returns {Command}
 */
function script(file, needs = 'build', ...words) {
  return {
    needs,
    cwd: 'caller',
    run: (root, toolchain) => {
      const found = path.join(root, file)
      if (!existsSync(found)) throw new Failure(`this checkout has no ${file}: is it complete? \`git status\` tells`)
      return [toolchain.node, found, ...words]
    },
  }
}

/**
 * A development tool from node_modules, run in the root.
 * @param {string[]} words
 * @param {Needs} needs
 * @returns {Command}
 */
function tool(words, needs = 'install') {
  return { needs, cwd: 'root', run: (_root, toolchain) => [toolchain.pnpm, 'exec', ...words] }
}

const byContent = ['--cache', '--cache-strategy', 'content']

export const lintWords = ['eslint', ...byContent, '--cache-location', 'node_modules/.cache/eslint/']
export const formatWords = ['prettier', ...byContent, '--log-level', 'warn']

/** @type {Record<string, Command>} */
export const commands = {
  start: script('examples/tasks-documents/start.ts'),
  ds: script('packages/cli/dist/bin.js'),
  bench: script('bench/src/main.ts'),
  conformance: script('packages/broker-testing/bin/conformance.ts'),
  soak: script('packages/broker-testing/bin/soak.ts'),
  servers: script('packages/broker-testing/bin/servers.ts'),

  test: script('scripts/test.ts', 'install'),
  check: script('scripts/check.ts'),
  typecheck: script('scripts/check.ts', 'build', 'types'),
  api: script('scripts/api.ts'),
  build: { needs: 'build', cwd: 'root' },
  lint: tool([...lintWords, '.'], 'build'),
  format: tool([...formatWords, '--write', '.']),
  docs: tool(['typedoc'], 'build'),
  changeset: tool(['changeset']),
  'version-packages': tool(['changeset', 'version']),
  release: tool(['changeset', 'publish'], 'build'),
  pnpm: { needs: 'tools', cwd: 'caller', run: (_root, toolchain) => [toolchain.pnpm] },
}
