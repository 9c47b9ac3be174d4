import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAppCommands } from './commands/app.ts'
import { addHealthCommand } from './commands/health.ts'
import { addParkedCommands } from './commands/parked.ts'
import { addRunCommand } from './commands/run.ts'
import { addTaskCommands } from './commands/task.ts'
import { addWorkerCommands } from './commands/worker.ts'
import type { Exit } from './command.ts'
import { oneLine } from './output.ts'

const ABOUT = `Examples:
  $ ds run tasks.ts greet '{"greeted":"world"}'      broker, worker and task in this one process
  $ ds worker start tasks.ts -n 4 --concurrency 20   a pool of workers
  $ ds task start greet '{"greeted":"world"}'        prints the task's id
  $ ds task watch ID                                 a progress bar until it ends

Config comes from options, DS_* variables (DS_BROKER_URL, DS_NAMESPACE, ...) and ds.config.{ts,js,mjs,json}, in this order.

Exit codes: 0 done; 1 the task failed or was cancelled, or a check found a problem; 2 the call, config or App cannot be used;
3 the broker cannot be reached or refuses; 70 a bug of ds; 130 interrupted.`

/** The command line of ds. `exit` hears the exit code of the command that ran. */
export function buildProgram(exit: Exit): Command {
  const program = new Command('ds')
    .description('Asynchronous tasks on the broker you already run')
    .version(versionOf(), '-V, --version')
    .option('--json', 'answer in JSON, one value a line')
    .option('-c, --config <file>', 'the config file')
    .option('--broker <url>', 'the broker, as in redis://127.0.0.1:6379')
    .option('--namespace <name>', 'the namespace on the broker')
    .addHelpText('after', `\n${ABOUT}`)
  addRunCommand(program, exit)
  addWorkerCommands(program, exit)
  addTaskCommands(program, exit)
  addAppCommands(program, exit)
  addParkedCommands(program, exit)
  addHealthCommand(program, exit)
  for (const command of allCommands(program)) quiet(command)
  return program
}

function* allCommands(command: Command): Generator<Command> {
  yield command
  for (const child of command.commands) yield* allCommands(child)
}

/** Mistakes are one line, and never end the process from within. */
function quiet(command: Command): void {
  command.exitOverride()
  command.configureOutput({
    outputError: (text, write) =>
      write(`ds: ${oneLine(text.replace(/^error: /, ''))}. See: ${pathOf(command)} --help\n`),
  })
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
