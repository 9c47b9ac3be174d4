import { ConfigInvalidError } from '@ds/core'
import type { WorkerOptions } from '@ds/worker'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { wholeNumberOption } from '../whole-number-option.ts'
import { configFrom } from '../session.ts'

interface WorkerStartOptions {
  readonly processes?: string
  readonly concurrency?: string
  readonly group?: readonly string[]
}

/** `ds worker start APP` */
export function addWorkerCommands(program: Command, exit: Exit): void {
  const worker = program.command('worker').description('run tasks')
  const start = worker
    .command('start [app]')
    .description("run an App's tasks until Ctrl-C, which lets running tasks end; a second one ends at once")
    .option('-n, --processes <number>', 'worker processes; dead ones are started again')
    .option('--concurrency <number>', 'tasks at once in each process')
    .option('-g, --group <group...>', 'only the tasks of these groups')
    .addHelpText(
      'after',
      `
APP is a file or an installed package, else the config's.

Examples:
  $ ds worker start tasks.ts
  $ ds worker start @acme/tasks-ocr -n 4 --concurrency 20 -g gpu`,
    )
  action<WorkerStartOptions>(start, exit, startWorker)
}

async function startWorker(
  { globals }: Invocation,
  options: WorkerStartOptions,
  [reference]: readonly (string | undefined)[],
): Promise<number> {
  // Loaded here, so that commands that run no tasks start without it.
  const { Worker, WorkerPool } = await import('@ds/worker')
  const concurrency = wholeNumberOption('--concurrency', options.concurrency)
  const asked = wholeNumberOption('--processes', options.processes)
  const { worker, app: configured } = await configFrom(globals)
  if (reference === undefined && configured === undefined) throw noApp()
  const workerOptions: WorkerOptions = {
    ...(reference !== undefined && { app: reference }),
    ...(globals.config !== undefined && { config: globals.config }),
    ...(globals.broker !== undefined && { broker: globals.broker }),
    ...(globals.namespace !== undefined && { namespace: globals.namespace }),
    ...(concurrency !== undefined && { concurrency }),
    ...(options.group && { groups: options.group }),
  }
  const processes = asked ?? worker.processes ?? 1
  if (processes > 1) await new WorkerPool({ ...workerOptions, processes }).run({ signals: true })
  else await new Worker(workerOptions).run({ signals: true })
  return EXIT.done
}

function noApp(): ConfigInvalidError {
  return new ConfigInvalidError('No App is named', {
    fix: 'Give a file or package, as in ds worker start tasks.ts, or app in the config file',
  })
}
