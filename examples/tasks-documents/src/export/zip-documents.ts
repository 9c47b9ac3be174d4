import { createWriteStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { DocumentError, failureOf, type DocumentFailure } from '../failure.ts'
import type { SearchIndex } from '../search-index/search-index.ts'
import type { Selection } from '../search-index/selection.ts'
import { writeAside } from './write-aside.ts'

export interface ZipDocumentsOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((done: number, of: number) => void) | undefined
}

export interface ZipOutcome {
  /** Files in the archive. */
  readonly files: number
  /** Bytes of the archive. */
  readonly bytes: number
  /** Files that match and could not be read any more. */
  readonly failures: readonly DocumentFailure[]
}

/**
 * Writes the files of the selected documents to a zip archive, one after the other, holding none of them in memory. An
 * attachment brings the e-mail that holds it. Files of one name get numbers: `notes.md`, `notes (2).md`. Files that are gone are
 * reported and do not stop the rest.
 *
 * @throws QuerySyntaxError; the signal's reason, then no file is left.
 */
export async function zipDocuments(
  index: SearchIndex,
  { selection, path }: { readonly selection: Selection; readonly path: string },
  options: ZipDocumentsOptions = {},
): Promise<ZipOutcome> {
  const files = filesOf(index, selection)
  const failures: DocumentFailure[] = []
  await writeAside(path, async (asidePath) => {
    const zip = new ZipFile()
    const written = pipeline(zip.outputStream, createWriteStream(asidePath), { signal: options.signal })
    // Whatever ends the writing is thrown below, where it is awaited.
    written.catch(() => undefined)
    await addFiles(zip, { files, failures, written }, options).catch((error: unknown) => {
      options.signal?.throwIfAborted()
      throw error
    })
  })
  const { size } = await stat(path)
  return { files: files.length - failures.length, bytes: size, failures }
}

function filesOf(index: SearchIndex, selection: Selection): string[] {
  const files = new Set<string>()
  for (const id of index.ids(selection)) {
    const file = index.fileOf(id)
    if (file !== undefined) files.add(file)
  }
  return [...files].sort()
}

interface Job {
  readonly files: readonly string[]
  readonly failures: DocumentFailure[]
  readonly written: Promise<void>
}

async function addFiles(zip: ZipFile, { files, failures, written }: Job, options: ZipDocumentsOptions): Promise<void> {
  const names = new Set<string>()
  for (const [index, file] of files.entries()) {
    options.signal?.throwIfAborted()
    const content = await openFile(file).catch((error: unknown) => failureOf(file, error))
    if ('code' in content) failures.push(content)
    else await Promise.race([addFile(zip, content, freeName(names, basename(file))), written])
    options.onProgress?.(index + 1, files.length)
  }
  zip.end()
  await written
}

async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new DocumentError('Unreadable', 'No file any more')
}

/** Adds one file and waits until it is read, so that one file is open at a time. */
async function addFile(zip: ZipFile, handle: FileHandle, name: string): Promise<void> {
  const { mtime, mode, size } = await handle.stat()
  // The size was looked at: a file that grows meanwhile is cut there.
  const content = handle.createReadStream(size === 0 ? {} : { end: size - 1 })
  const compress = !COMPRESSED.has(extname(name).toLowerCase())
  await new Promise<void>((resolve, reject) => {
    content.once('error', reject).once('close', resolve)
    zip.addReadStream(content, name, { mtime, mode, compress })
  })
}

const COMPRESSED = new Set(['.docx', '.pdf', '.zip', '.jpg', '.png'])

/** Systems that do not tell capitals apart must be able to unpack all of it. */
function freeName(names: Set<string>, name: string): string {
  const extension = extname(name)
  const stem = name.slice(0, name.length - extension.length)
  let free = name
  for (let number = 2; names.has(free.toLowerCase()); number += 1) free = `${stem} (${number})${extension}`
  names.add(free.toLowerCase())
  return free
}
