import { existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BrokerUnderTest } from '../broker-under-test.ts'

/** What a module that describes a broker under test exports, under the name `brokerUnderTest`. */
export type MakeBrokerUnderTest = (options: TargetOptions) => BrokerUnderTest | Promise<BrokerUnderTest>

/** What the command line gives to the module that describes a broker. */
export interface TargetOptions {
  /** URL of a server to use instead of one that is started for the run. */
  readonly server?: string
}

/**
 * Loads the description of a broker from the file that an adapter's author names.
 *
 * @throws Error that says which file is missing, or what it does not export
 */
export async function loadTarget(file: string, options: TargetOptions): Promise<BrokerUnderTest> {
  const found = path.resolve(file)
  if (!existsSync(found)) throw new Error(`There is no ${found}: name your own with --target FILE`)
  const module = (await import(pathToFileURL(found).href)) as { brokerUnderTest?: MakeBrokerUnderTest }
  if (!module.brokerUnderTest) throw new Error(`${found} does not export brokerUnderTest`)
  return module.brokerUnderTest(options)
}
