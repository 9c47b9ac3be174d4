import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { workspaceFolders } from '../bootstrap/fingerprint.mjs'

export interface PublishablePackage {
  readonly name: string
  /** The last part of its folder: `core` for packages/core. */
  readonly shortName: string
  /** Absolute. */
  readonly folder: string
  /** Declaration files by the name that imports them: `.` is the package itself. */
  readonly declarations: ReadonlyMap<string, string>
}

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
}

/** The packages of the workspace that go to the registry, as their manifests say. */
export function publishablePackages(root: string): PublishablePackage[] {
  return workspaceFolders(root).flatMap((relative) => {
    const folder = path.join(root, relative)
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest
    if (manifest.private) return []
    return [
      {
        name: manifest.name,
        shortName: path.basename(relative),
        folder,
        declarations: declarationsOf(folder, manifest),
      },
    ]
  })
}

function declarationsOf(folder: string, manifest: Manifest): Map<string, string> {
  const found = Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]): [string, string][] => {
    const types = typeof target === 'object' && target !== null && 'types' in target ? target.types : undefined
    return typeof types === 'string' ? [[subpath, path.join(folder, types)]] : []
  })
  return new Map(found.filter(([, file]) => existsSync(file)))
}
