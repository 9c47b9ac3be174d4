import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** The most that importing a package may cost, in KiB: bundled with its dependencies, minified, compressed. */
export const sizeLimits: Readonly<Record<string, number>> = { core: 36 }

export interface BundleSize {
  readonly kib: number
  /** The modules that weigh most, as `file bytes` lines, before compression. */
  readonly heaviest: readonly string[]
}

/** Bundles a package from its sources, so that the heaviest modules can be named. */
export async function bundleSize(folder: string): Promise<BundleSize> {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(folder, 'src/index.ts')],
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    metafile: true,
    write: false,
    logLevel: 'silent',
    outfile: 'bundle.js',
  })
  const inputs = Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {})
  const heaviest = inputs.sort(([, left], [, right]) => right.bytesInOutput - left.bytesInOutput).slice(0, 8)
  return {
    kib: gzipSync(outputFiles[0]?.contents ?? '').length / 1024,
    heaviest: heaviest.map(([file, { bytesInOutput }]) => `${file} ${bytesInOutput}`),
  }
}

/** A sentence that tells what to do, or nothing where the size is within the limit. */
export function sizeProblem(name: string, size: BundleSize): string | undefined {
  const limit = sizeLimits[name]
  if (limit === undefined || size.kib <= limit) return undefined
  return [
    `@ds/${name} takes ${size.kib.toFixed(1)} KiB, its limit is ${limit}. Look at its heaviest modules:`,
    ...size.heaviest.map((line) => `  ${line}`),
    'Load what few need with import(), or raise the limit in scripts/packaging/bundle-size.ts and say why in the commit.',
  ].join('\n')
}
