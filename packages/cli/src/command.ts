import type { Command } from 'commander'
import type { GlobalOptions } from './session.ts'
import { Output } from './output.ts'

/** What every command's action gets. */
export interface Invocation {
  readonly globals: GlobalOptions
  readonly output: Output
}

/** Runs a command's action and keeps its exit code for the end of the program. */
export type Exit = (code: number) => void

export type Action<Options> = (
  invocation: Invocation,
  options: Options,
  positional: readonly (string | undefined)[],
) => Promise<number>

/** Binds an action to a command: the options of the command itself, those of all commands, and where to write. */
export function action<Options>(command: Command, exit: Exit, run: Action<Options>): Command {
  return command.action(async (...received: unknown[]) => {
    const positional = received.slice(0, -2) as (string | undefined)[]
    const globals = command.optsWithGlobals<GlobalOptions>()
    const output = new Output({ json: globals.json ?? false })
    exit(await run({ globals, output }, command.opts<Options & object>(), positional))
  })
}
