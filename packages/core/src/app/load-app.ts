import { readFile, stat } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { isApp } from './app.ts'
import type { App } from './app.ts'
import { DsError } from '../errors.ts'
import { importFile, resolvePackage } from '../import-module.ts'
import type { AnyTaskDefinition } from '../tasks/task-definition.ts'

/** The file or package that an App should come from is not there. */
export class AppNotFoundError extends DsError {
  constructor(message: string, fix: string) {
    super('AppNotFound', message, { fix })
  }
}

/** A file or package was found, but no App can be had from it. */
export class AppInvalidError extends DsError {
  constructor(message: string, fix?: string) {
    super('AppInvalid', message, fix === undefined ? {} : { fix })
  }
}

/** An App and the file it came from. */
export interface LoadedApp {
  readonly app: App<AnyTaskDefinition>
  readonly file: string
}

const FILE_REFERENCE = /^\.{0,2}[/\\]|^\.{1,2}$|^[A-Za-z]:[/\\]|\.[cm]?[jt]s$/

/** Whether a reference to an App means a file or folder, and not an installed package. */
export function isFileReference(reference: string): boolean {
  return FILE_REFERENCE.test(reference)
}

/**
 * Loads an App from a file (`.ts` is loaded as it is), from an installed package, or from the folder of one. A package names the file of
 * its App in its `package.json`, as in `"ds": { "app": "./dist/index.js" }`; without that its main export is taken. The App is the
 * export named `app`, else the default, else the only App that is exported. `folder` is where the reference is looked up.
 * @throws AppNotFoundError where there is no such file or package; the message tells how to install it.
 * @throws AppInvalidError where it cannot be loaded, with file and line, or exports no App.
 */
export async function loadApp(reference: string, folder: string = process.cwd()): Promise<LoadedApp> {
  const file = isFileReference(reference)
    ? await fileOf(path.resolve(folder, reference))
    : await fileOfPackage(reference, folder)
  const loaded = await importFile(file)
  if (loaded.ok) return { app: appAmong(loaded.exports, file), file }
  const { reason, where, missingPackage } = loaded.failure
  throw new AppInvalidError(
    `The App in ${file} cannot be loaded: ${reason} (${where})`,
    missingPackage === undefined ? undefined : `Run: npm install ${missingPackage}`,
  )
}

async function fileOf(location: string): Promise<string> {
  const found = await stat(location).catch(() => undefined)
  if (found?.isFile()) return location
  if (found?.isDirectory()) return fileNamedBy(path.join(location, 'package.json'), location)
  throw new AppNotFoundError(`There is no file ${location}`, 'Check the path of the App')
}

async function fileOfPackage(name: string, folder: string): Promise<string> {
  const manifest = manifestOf(name, folder)
  if (manifest === undefined) {
    const fix = `Run: npm install ${name}. A file is written with its ending or as a path, as in ./${name}.ts`
    throw new AppNotFoundError(`The package ${name} is not installed in ${folder}`, fix)
  }
  const named = await appFieldOf(manifest)
  if (named !== undefined) return existingFile(manifest, named)
  const main = await resolvePackage(name, folder)
  if (main !== undefined) return main
  throw new AppInvalidError(`The package ${name} has neither an App nor a main export`, MANIFEST_FIX)
}

async function fileNamedBy(manifest: string, folder: string): Promise<string> {
  const named = await appFieldOf(manifest)
  if (named !== undefined) return existingFile(manifest, named)
  throw new AppInvalidError(`The folder ${folder} names no App`, MANIFEST_FIX)
}

const MANIFEST_FIX = 'Name the file of the App in its package.json, as in "ds": { "app": "./dist/index.js" }'

/** The package.json of an installed package, as seen from a folder. */
function manifestOf(name: string, folder: string): string | undefined {
  try {
    return findPackageJSON(name, pathToFileURL(path.join(folder, 'any.js')))
  } catch {
    return undefined
  }
}

/** What `ds.app` says in a package.json. */
async function appFieldOf(manifest: string): Promise<string | undefined> {
  const text = await readFile(manifest, 'utf8').catch(() => '{}')
  try {
    const { ds } = JSON.parse(text) as { ds?: { app?: unknown } }
    return typeof ds?.app === 'string' ? ds.app : undefined
  } catch {
    throw new AppInvalidError(`${manifest} is not valid JSON`)
  }
}

async function existingFile(manifest: string, named: string): Promise<string> {
  const file = path.resolve(path.dirname(manifest), named)
  if ((await stat(file).catch(() => undefined))?.isFile()) return file
  throw new AppInvalidError(
    `${manifest} names ${named} as its App, and there is no such file`,
    'Build the package, or correct ds.app',
  )
}

function appAmong(exports: Readonly<Record<string, unknown>>, file: string): App<AnyTaskDefinition> {
  if (isApp(exports.app)) return exports.app
  if (isApp(exports.default)) return exports.default
  const apps = new Set(Object.values(exports).filter(isApp))
  const [only] = apps
  if (only && apps.size === 1) return only
  const names = Object.keys(exports)
  if (apps.size > 1)
    throw new AppInvalidError(`${file} exports ${apps.size} Apps: ${names.join(', ')}`, 'Export the one to run as app')
  const exported = names.length > 0 ? `It exports: ${names.join(', ')}` : 'It exports nothing'
  throw new AppInvalidError(
    `${file} exports no App. ${exported}`,
    "Write: export const app = createApp('my-app', [ ...tasks ])",
  )
}
