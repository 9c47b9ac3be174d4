import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { capture } from '../testing/command.ts'

/** Packs a package as `pnpm publish` would, and returns the path of the tarball in a new temporary folder. */
export async function pack(folder: string): Promise<string> {
  const destination = mkdtempSync(path.join(tmpdir(), 'ds-pack-'))
  const { ok, output } = await capture(['pnpm', 'pack', '--pack-destination', destination], folder)
  const tarball = readdirSync(destination).find((file) => file.endsWith('.tgz'))
  if (!ok || !tarball) throw new Error(`pnpm pack failed in ${folder}:\n${output}`)
  return path.join(destination, tarball)
}

/** The paths a tarball holds, without their common first folder, sorted. */
export async function tarballFiles(tarball: string): Promise<string[]> {
  const { ok, output } = await capture(['tar', '-tzf', tarball])
  if (!ok) throw new Error(`cannot list ${tarball}:\n${output}`)
  return output
    .split('\n')
    .map((file) => file.replace(/^package\//, ''))
    .sort()
}

/** The manifest as it is published: the workspace's own versions filled in. */
export async function tarballManifest(tarball: string): Promise<Record<string, unknown>> {
  const { ok, output } = await capture(['tar', '-xzOf', tarball, 'package/package.json'])
  if (!ok) throw new Error(`cannot read the manifest of ${tarball}:\n${output}`)
  return JSON.parse(output) as Record<string, unknown>
}

/** The bytes of a tarball, for the checkers that take them. */
export function tarballBytes(tarball: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(tarball))
}
