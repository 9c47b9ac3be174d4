import path from 'node:path'
import { ensureBuilt, isBuilt } from './build.mjs'
import { ensureInstalled, isInstalled } from './install.mjs'
import { withLock } from './lock.mjs'
import { ensureToolchain, findToolchain } from './toolchain.mjs'

/**
 * @import { Toolchain } from './toolchain.mjs'
 * @typedef {'tools' | 'install' | 'build'} Needs how far the checkout must be brought
 */

/**
 * Brings the checkout to the state that is needed: without the lock where nothing is to be done; with it, and after a
 * second look, where something is.
 * @param {string} root
 * @param {Needs} needs
 * @returns {Promise<Toolchain>}
 */
export async function prepare(root, needs) {
  const ready = findToolchain(root)
  if (ready && isReady(root, needs)) return ready
  return await withLock(path.join(root, '.tools', 'bootstrap.lock'), async () => {
    const toolchain = await ensureToolchain(root)
    if (needs !== 'tools') await ensureInstalled(root, toolchain)
    if (needs === 'build') await ensureBuilt(root, toolchain)
    return toolchain
  })
}

/**
 * @param {string} root
 * @param {Needs} needs
 */
function isReady(root, needs) {
  if (needs === 'tools') return true
  return isInstalled(root) && (needs === 'install' || isBuilt(root))
}
