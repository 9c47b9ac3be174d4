import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { OWN_FOLDER } from './own-folder.ts'

/** A module that could not be loaded: `where` is its file and line as far as they are known. */
export interface LoadFailure {
  readonly reason: string
  readonly where: string
  /** The package that a failed import asked for. */
  readonly missingPackage?: string
}

export type Loaded =
  | { readonly ok: true; readonly exports: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: LoadFailure }

/** Imports a file; what goes wrong in it becomes one line with file and line number. */
export async function importFile(file: string): Promise<Loaded> {
  try {
    const exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>
    return { ok: true, exports }
  } catch (error) {
    return { ok: false, failure: await failureOf(error, file) }
  }
}

/**
 * The file that an import of a package, or of a part of one, would load from a folder; undefined where it is not installed there.
 */
export async function resolvePackage(specifier: string, folder: string): Promise<string | undefined> {
  const { resolve } = await import('import-meta-resolve')
  try {
    const file = fileURLToPath(resolve(specifier, pathToFileURL(path.join(folder, 'any.js')).href))
    await access(file)
    return file
  } catch {
    return undefined
  }
}

const MISSING_PACKAGE = /^Cannot find package '([^']+)'/
const IMPORTED_FROM = /imported from (.+)$/
const PLACE = /(?:^|[\s(])(file:\/\/\S+?|(?:\/|[A-Za-z]:\\).+?):(\d+)(?::\d+)?\)?$/m

async function failureOf(error: unknown, file: string): Promise<LoadFailure> {
  const message = firstLine(error instanceof Error ? error.message : String(error))
  const missing = MISSING_PACKAGE.exec(message)?.[1]
  return {
    reason: (error instanceof Error && error.name !== 'Error' ? `${error.name}: ${message}` : message)
      .replace(IMPORTED_FROM, '')
      .trim(),
    where:
      IMPORTED_FROM.exec(message)?.[1] ?? placeIn(stackOf(error)) ?? (await placeOfSyntaxError(error, file)) ?? file,
    ...(missing !== undefined && { missingPackage: missing }),
  }
}

/** `file:line` of the first place a stack names in somebody's own file, else in a package. */
function placeIn(stack: string): string | undefined {
  const places = stack.split('\n').flatMap((line) => {
    const [, file, number] = PLACE.exec(line) ?? []
    if (file === undefined) return []
    const place = file.startsWith('file:') ? fileURLToPath(file) : file
    return place.startsWith(OWN_FOLDER + path.sep) ? [] : `${place}:${number}`
  })
  return places.find((place) => !place.includes(`${path.sep}node_modules${path.sep}`)) ?? places[0]
}

/** A SyntaxError of a JavaScript module does not say where it is; a dry run of the file does. */
async function placeOfSyntaxError(error: unknown, file: string): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return undefined
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], (_failed, _output, complaint) => resolve(placeIn(complaint)))
  })
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : ''
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
