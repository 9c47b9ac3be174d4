import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { findPackageJSON } from 'node:module'

/** The version of an installed package. */
export async function versionOf(name: string): Promise<string> {
  const file = findPackageJSON(name, import.meta.url)
  if (file === undefined) return 'unknown'
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return version
}

/** The machine a figure was taken on. */
export function machine(): string {
  const [cpu] = cpus()
  return `Node ${process.versions.node}, ${cpus().length} CPUs${cpu ? ` (${cpu.model.trim()})` : ''}`
}
