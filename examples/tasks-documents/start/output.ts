import { createHash } from 'node:crypto'
import { access, constants, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

export interface Output {
  readonly folder: string
  readonly indexPath: string
  /** Keeps the tasks of one folder apart from those of others on a broker that is shared. */
  readonly namespace: string
}

/**
 * `out/` where the caller stands, or a temporary folder where nothing may be written. Each folder of documents has an index of its
 * own, so that a second run finds what the first left and reads only what has changed.
 */
export async function chooseOutput(callerFolder: string, documentsFolder: string): Promise<Output> {
  const folder = await writable(join(callerFolder, 'out'))
  const digest = createHash('sha256').update(documentsFolder).digest('hex').slice(0, 6)
  const name = basename(documentsFolder).replace(/[^A-Za-z0-9_-]+/g, '-')
  return { folder, indexPath: join(folder, `${name}-${digest}.sqlite`), namespace: `documents-${digest}` }
}

async function writable(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
    return folder
  } catch {
    return mkdtemp(join(tmpdir(), 'documents-'))
  }
}
