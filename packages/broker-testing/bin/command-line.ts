import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'

/** What every command that runs on a broker is told. */
export const TARGET_OPTIONS = {
  broker: { type: 'string' },
  target: { type: 'string' },
  server: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const

/** One line on stderr, and the exit code of a wrong call. */
export function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

/** What the command line says, or one line about what is wrong with it. */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  options: Options,
): ReturnType<typeof parseArgs<{ options: Options }>>['values'] {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}. --help shows what there is`)
  }
}
