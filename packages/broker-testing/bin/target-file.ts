import path from 'node:path'

const packages = path.resolve(import.meta.dirname, '../..')

/** Where the description of each broker of this repository lies. */
export function targetFile(broker: string): string {
  return broker === 'memory'
    ? path.join(packages, 'broker-testing/test/memory-under-test.ts')
    : path.join(packages, `broker-${broker}/test/under-test.ts`)
}
