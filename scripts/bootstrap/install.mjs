import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from './failure.mjs'
import { fileContents, hash, readStamp, removeStamp, workspaceFolders, writeStamp } from './fingerprint.mjs'
import { runQuietly } from './processes.mjs'
import { toolchainEnvironment } from './toolchain.mjs'

/** @import { Toolchain } from './toolchain.mjs' */

const stamp = 'installed'
const options = [
  '--config.confirm-modules-purge=false',
  '--config.fetch-retries=2',
  '--config.fetch-retry-mintimeout=500',
  '--config.fetch-retry-maxtimeout=2000',
]

/** @param {string} root */
function wantedState(root) {
  const manifests = workspaceFolders(root).map((folder) => `${folder}/package.json`)
  return hash(fileContents(root, ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]))
}

/**
 * @param {string} root
 * @returns {boolean} whether node_modules hold what the lockfile asks for
 */
export function isInstalled(root) {
  return (
    readStamp(root, stamp) === wantedState(root) && workspaceFolders(root).every((folder) => hasModules(root, folder))
  )
}

/**
 * @param {string} root
 * @param {string} folder
 */
function hasModules(root, folder) {
  if (existsSync(path.join(root, folder, 'node_modules'))) return true
  const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
  return !manifest.dependencies && !manifest.devDependencies
}

/**
 * @param {string} root
 * @param {Toolchain} toolchain
 */
export async function ensureInstalled(root, toolchain) {
  if (isInstalled(root)) return
  removeStamp(root, stamp)
  const wanted = wantedState(root)
  const args = ['install', '--frozen-lockfile', '--prefer-offline', ...options]
  const ended = await runQuietly('installing packages', {
    program: toolchain.pnpm,
    args,
    cwd: root,
    env: toolchainEnvironment(root, toolchain),
  })
  if (!ended.ok) throw new Failure(installFailure(ended.output))
  writeStamp(root, stamp, wanted)
}

/** @param {string} output */
function installFailure(output) {
  if (output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) {
    return 'pnpm-lock.yaml does not match a package.json: run `npm run pnpm -- install` and commit the lockfile'
  }
  return 'the packages could not be installed (see above): is the npm registry reachable? Then run the same command again'
}
