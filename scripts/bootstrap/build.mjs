import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from './failure.mjs'
import { fileTimes, hash, readStamp, removeStamp, workspaceFolders, writeStamp } from './fingerprint.mjs'
import { runQuietly } from './processes.mjs'
import { toolchainEnvironment } from './toolchain.mjs'

/** @import { Toolchain } from './toolchain.mjs' */

const stamp = 'built'
const shared = ['turbo.json', 'tsup.base.ts', 'tsconfig.base.json', 'pnpm-lock.yaml']

/** @param {string} root */
function builtFolders(root) {
  return workspaceFolders(root).filter((folder) => {
    const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
    return Boolean(manifest.scripts?.build)
  })
}

/** @param {string} root */
function sources(root) {
  const names = ['src', 'package.json', 'tsup.config.ts', 'tsconfig.json']
  const files = builtFolders(root).flatMap((folder) => names.map((name) => `${folder}/${name}`))
  return hash(fileTimes(root, [...shared, ...files], (file) => !file.endsWith('.test.ts')))
}

/** @param {string} root */
function products(root) {
  return hash(
    fileTimes(
      root,
      builtFolders(root).map((folder) => `${folder}/dist`),
    ),
  )
}

/**
 * Compares times and sizes only: a false alarm costs one run of turbo, which compares contents.
 * @param {string} root
 * @returns {boolean} whether every dist folder is what the last build made from the sources as they are
 */
export function isBuilt(root) {
  return readStamp(root, stamp) === `${sources(root)} ${products(root)}`
}

/**
 * @param {string} root
 * @param {Toolchain} toolchain
 */
export async function ensureBuilt(root, toolchain) {
  if (isBuilt(root)) return
  removeStamp(root, stamp)
  const before = sources(root)
  const args = ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--ui=stream', '--no-update-notifier']
  const env = { ...toolchainEnvironment(root, toolchain), TURBO_TELEMETRY_DISABLED: '1' }
  const ended = await runQuietly('building', { program: toolchain.pnpm, args, cwd: root, env })
  if (!ended.ok) throw new Failure('the build failed: mend the errors above, then run the same command again')
  writeStamp(root, stamp, `${before} ${products(root)}`)
}
