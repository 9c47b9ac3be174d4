import type { Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failureOf, type DocumentFailure } from './failure.ts'

/** Why an entry of a folder is passed over without being an error. */
export type SkipReason =
  | 'hidden' // its name begins with a dot
  | 'link' // a symbolic link, and links are not followed
  | 'visited' // a link to what the scan has seen already
  | 'special' // a socket, a pipe or a device

/** What a scan meets: each entry of the folder appears exactly once, as one of these. */
export type ScanEntry =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: SkipReason }
  | { readonly kind: 'failed'; readonly failure: DocumentFailure }

export interface ScanOptions {
  readonly signal?: AbortSignal | undefined
  /** Also what begins with a dot. Default false. */
  readonly hidden?: boolean | undefined
  /**
   * Follow symbolic links, each place once, also out of the folder. Default false: whoever can put a link into a folder
   * must not be able to have other files of the machine indexed.
   */
  readonly followLinks?: boolean | undefined
}

interface Scan {
  readonly options: ScanOptions
  readonly folders: string[]
  /** Real paths of the folders and, behind links, of the files that were handed out. Filled only when links are followed. */
  readonly visited: Set<string>
  readonly links: string[]
}

/**
 * Walks a folder and all below it, in no fixed order, one folder in memory at a time. What cannot be read is handed out as
 * a failure and the walk goes on.
 *
 * @throws the signal's reason when aborted; the system's error when `folder` itself is no readable folder.
 */
export async function* scanFolder(
  folder: string,
  options: ScanOptions = {},
): AsyncGenerator<ScanEntry, void, undefined> {
  await (await opendir(folder)).close()
  const scan: Scan = { options, folders: [folder], visited: new Set(), links: [] }
  yield* walk(scan)
  // Links come last, so that what lies in the folder is found under its own name.
  for (let link = scan.links.pop(); link !== undefined; link = scan.links.pop()) {
    yield* followLink(scan, link)
    yield* walk(scan)
  }
}

async function* walk(scan: Scan): AsyncGenerator<ScanEntry, void, undefined> {
  for (let folder = scan.folders.pop(); folder !== undefined; folder = scan.folders.pop()) {
    scan.options.signal?.throwIfAborted()
    try {
      if (scan.options.followLinks === true) scan.visited.add(await realpath(folder))
      for await (const entry of await opendir(folder)) {
        scan.options.signal?.throwIfAborted()
        yield* visit(scan, folder, entry)
      }
    } catch (error) {
      scan.options.signal?.throwIfAborted()
      yield { kind: 'failed', failure: failureOf(folder, error) }
    }
  }
}

async function* visit(scan: Scan, folder: string, entry: Dirent): AsyncGenerator<ScanEntry, void, undefined> {
  const path = join(folder, entry.name)
  if (entry.name.startsWith('.') && scan.options.hidden !== true) yield { kind: 'skipped', path, reason: 'hidden' }
  else if (entry.isDirectory()) scan.folders.push(path)
  else if (entry.isFile()) yield await fileEntry(scan, path)
  else if (!entry.isSymbolicLink()) yield { kind: 'skipped', path, reason: 'special' }
  else if (scan.options.followLinks === true) scan.links.push(path)
  else yield { kind: 'skipped', path, reason: 'link' }
}

async function fileEntry(scan: Scan, path: string): Promise<ScanEntry> {
  if (scan.options.followLinks === true) scan.visited.add(await realpath(path))
  return { kind: 'file', path }
}

async function* followLink(scan: Scan, path: string): AsyncGenerator<ScanEntry, void, undefined> {
  scan.options.signal?.throwIfAborted()
  try {
    const target = await realpath(path)
    const status = await stat(target)
    if (scan.visited.has(target)) yield { kind: 'skipped', path, reason: 'visited' }
    else if (status.isDirectory()) scan.folders.push(path)
    else if (status.isFile()) yield await fileEntry(scan, path)
    else yield { kind: 'skipped', path, reason: 'special' }
  } catch (error) {
    yield { kind: 'failed', failure: failureOf(path, error) }
  }
}
