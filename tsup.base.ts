import type { Options } from 'tsup'

/** What every package builds: ESM for Node 22.18 and later, with types and source maps. */
export function buildOptions(entry: Options['entry']): Options {
  return { entry: entry!, format: ['esm'], target: 'node22', dts: true, sourcemap: true, clean: true, splitting: true }
}
