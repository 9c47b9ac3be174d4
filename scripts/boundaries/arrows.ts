/** Which way imports may point: architecture.md states the reasons, the check `boundaries` keeps it true. */

/** The packages of this workspace that a package may import, by folder name; a missing one may import none. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  worker: ['core'],
  http: ['core'],
  dashboard: ['http'],
  cli: ['http', 'worker', 'core'],
  'broker-testing': ['core'],
  'broker-redis': ['core'],
  'broker-nats': ['core'],
  'broker-kafka': ['core'],
}

/** What tests may import besides: the conformance kit is a development dependency of the adapters. */
export const arrowsOfTests: Readonly<Record<string, readonly string[]>> = {
  'broker-redis': ['broker-testing'],
  'broker-nats': ['broker-testing'],
  'broker-kafka': ['broker-testing'],
}

/** Arrows that may carry types only. */
export const typesOnly: ReadonlyArray<{ readonly from: string; readonly to: string }> = [
  { from: 'dashboard', to: 'http' },
]

export function mayImport(from: string): string[] {
  return [from, ...(arrows[from] ?? [])]
}

export function testsMayImport(from: string): string[] {
  return [...mayImport(from), ...(arrowsOfTests[from] ?? [])]
}
