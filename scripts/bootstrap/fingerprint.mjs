import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * The workspace folders that pnpm-workspace.yaml names, relative to the root.
 * @param {string} root
 * @returns {string[]}
 */
export function workspaceFolders(root) {
  const text = readFileSync(path.join(root, 'pnpm-workspace.yaml'), 'utf8')
  const section = /^packages:\n((?:[ \t]+-.*\n)+)/m.exec(text)?.[1] ?? ''
  const patterns = [...section.matchAll(/-\s*['"]?([^'"\n]+)['"]?/g)].map((match) => (match[1] ?? '').trim())
  return patterns.flatMap((pattern) => expand(root, pattern)).sort()
}

/**
 * @param {string} root
 * @param {string} pattern a folder, or `folder/*`
 */
function expand(root, pattern) {
  const parent = pattern.replace(/\/\*$/, '')
  const folders =
    parent === pattern ? [pattern] : listFolder(path.join(root, parent)).map((entry) => `${parent}/${entry.name}`)
  return folders.filter((folder) => existsSync(path.join(root, folder, 'package.json')))
}

/** @param {string} folder */
function listFolder(folder) {
  return existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
}

/**
 * All files under the given files and folders that the filter lets through, as `path size mtime` lines.
 * @param {string} root
 * @param {string[]} names
 * @param {(file: string) => boolean} [wanted]
 * @returns {string[]}
 */
export function fileTimes(root, names, wanted = () => true) {
  return names.flatMap((name) => {
    const stats = statSync(path.join(root, name), { throwIfNoEntry: false })
    if (!stats) return [`${name} -`]
    if (!stats.isDirectory()) return wanted(name) ? [`${name} ${stats.size} ${stats.mtimeMs}`] : []
    const entries = readdirSync(path.join(root, name)).filter((entry) => entry !== 'node_modules')
    return fileTimes(
      root,
      entries.sort().map((entry) => `${name}/${entry}`),
      wanted,
    )
  })
}

/**
 * @param {string} root
 * @param {string[]} names
 * @returns {string[]} the contents of the files; a missing file counts as empty
 */
export function fileContents(root, names) {
  return names.map((name) => {
    const file = path.join(root, name)
    return `${name}\n${existsSync(file) ? readFileSync(file, 'utf8') : ''}`
  })
}

/** @param {string[]} lines */
export function hash(lines) {
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/**
 * A stamp says what a finished step was made from. It lies in node_modules, so that it goes where they go.
 * @param {string} root
 * @param {string} name
 */
export function stampFile(root, name) {
  return path.join(root, 'node_modules', '.bootstrap', name)
}

/**
 * @param {string} root
 * @param {string} name
 */
export function readStamp(root, name) {
  const file = stampFile(root, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/**
 * @param {string} root
 * @param {string} name
 * @param {string} value
 */
export function writeStamp(root, name, value) {
  mkdirSync(path.dirname(stampFile(root, name)), { recursive: true })
  writeFileSync(stampFile(root, name), value)
}

/**
 * Taken away before a step begins, so that an interrupted step is done again.
 * @param {string} root
 * @param {string} name
 */
export function removeStamp(root, name) {
  rmSync(stampFile(root, name), { force: true })
}
