import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'

/**
 * Whether a file or folder may be read: with a root, only what really lies below it, links followed. What is not there may be
 * read, too: whoever reads it says what is wrong. Throws the system's error when there is no such root.
 */
export async function isAllowed(path: string, root: string | undefined): Promise<boolean> {
  if (root === undefined) return true
  const top = await realpath(root)
  const place = await realpath(path).catch(() => undefined)
  return place === undefined || place === top || place.startsWith(top.endsWith(sep) ? top : top + sep)
}
