import { arrows, mayImport, testsMayImport } from './arrows.ts'

const scope = '@ds/'
const running = ['dependencies', 'peerDependencies', 'optionalDependencies']

/** What is wrong in the manifests of packages/*, by folder name: arrows count there as they do for imports. */
export function manifestProblems(manifests: ReadonlyMap<string, Record<string, unknown>>): string[] {
  return [...manifests].flatMap(([name, manifest]) => {
    if (!(name in arrows)) return [`packages/${name} has no arrows: add it to scripts/boundaries/arrows.ts`]
    return [
      ...wrongArrows(name, siblings(manifest, running), mayImport(name)),
      ...wrongArrows(name, siblings(manifest, ['devDependencies']), testsMayImport(name)),
    ]
  })
}

function siblings(manifest: Record<string, unknown>, fields: readonly string[]): string[] {
  return fields
    .flatMap((field) => Object.keys((manifest[field] as Record<string, string> | undefined) ?? {}))
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length))
}

function wrongArrows(name: string, used: readonly string[], allowed: readonly string[]): string[] {
  return used
    .filter((other) => !allowed.includes(other))
    .map((other) => `packages/${name}/package.json names ${scope}${other}; it may name ${allowed.join(', ')}`)
}
