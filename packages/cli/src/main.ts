import { CommanderError } from 'commander'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { Output } from './output.ts'
import { buildProgram } from './program.ts'

/** Runs the command line and gives the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done
  const program = buildProgram((exitCode) => (code = exitCode))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse
    new Output({ json: argv.includes('--json') }).error(error)
    return exitCodeOf(error)
  }
}
