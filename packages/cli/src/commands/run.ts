import { createMemoryBroker, createTaskManager, encodeEvent, guardBroker, openBroker } from '@ds/core'
import type { Broker, LoadedApp, Logger, TaskEvent, TaskHandle } from '@ds/core'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { explainEnd, follow } from '../ending.ts'
import { EXIT } from '../exit-codes.ts'
import { readArgs } from '../read-args.ts'
import { appOf, configFrom } from '../session.ts'
import { wholeNumberOption } from '../whole-number-option.ts'

interface RunOptions {
  readonly concurrency?: string
}

/** `ds run APP NAME [ARGS]`: the first minute. */
export function addRunCommand(program: Command, exit: Exit): void {
  const command = program
    .command('run <app> <name> [args]')
    .description('run one task here and now: broker, worker and manager in this process; the result goes to stdout')
    .option('--concurrency <number>', 'tasks at once, for a task that creates subtasks')
    .addHelpText(
      'after',
      `
ARGS is JSON, @FILE or - for stdin. The broker is memory: unless --broker names another.

Examples:
  $ ds run tasks.ts greet '{"greeted":"world"}'
  $ ds run @acme/tasks-ocr scan @args.json`,
    )
  action<RunOptions>(command, exit, run)
}

async function run(
  invocation: Invocation,
  options: RunOptions,
  positional: readonly (string | undefined)[],
): Promise<number> {
  const [reference, name = '', typed] = positional
  const config = await configFrom({ ...invocation.globals, broker: invocation.globals.broker ?? 'memory:' })
  const loaded = await appOf(reference, config)
  if (!loaded) return EXIT.misuse
  loaded.app.definition(name)
  const args = await readArgs(typed)
  const broker = invocation.globals.broker === undefined ? await ownMemory() : await openBroker(config)
  try {
    return await runOn(broker, {
      invocation,
      loaded,
      name,
      args,
      concurrency: wholeNumberOption('--concurrency', options.concurrency),
    })
  } finally {
    await broker.close()
  }
}

interface Job {
  readonly invocation: Invocation
  readonly loaded: LoadedApp
  readonly name: string
  readonly args: unknown
  readonly concurrency: number | undefined
}

async function runOn(broker: Broker, job: Job): Promise<number> {
  const { createLogger, Worker } = await import('@ds/worker')
  const logger = createLogger()
  const options = {
    app: job.loaded.app,
    appModule: job.loaded.file,
    broker,
    logger: withoutTasks(logger),
    ...(job.concurrency !== undefined && { concurrency: job.concurrency }),
  }
  const worker = new Worker(options, { quiet: true })
  const manager = createTaskManager(broker, { app: job.loaded.app, owned: false })
  const failed = Promise.withResolvers<never>()
  // A worker that cannot start would leave the task waiting for ever.
  worker.run().catch(failed.reject)
  let abandoned = false
  const abandon = (error: unknown): void => {
    abandoned = true
    failed.reject(error)
  }
  try {
    const task = await Promise.race([manager.create(job.name, job.args), failed.promise])
    return await Promise.race([untilEnded(task, { job, logger, abandon }), failed.promise])
  } finally {
    await manager.close()
    // Where nobody answers, an orderly end would wait for answers.
    if (!abandoned) await worker.stop()
  }
}

/** Follows the task to its end and gives the exit code. Ctrl-C cancels it; where that cannot be done, it is abandoned. */
async function untilEnded(
  task: TaskHandle,
  { job, logger, abandon }: { job: Job; logger: Logger; abandon: (error: unknown) => void },
): Promise<number> {
  const { output } = job.invocation
  const { listenForSignals } = await import('@ds/worker')
  let [interrupted, ended] = [false, false]
  const stopListening = listenForSignals(() => {
    interrupted = true
    task.cancel().catch((error: unknown) => {
      if (ended) return
      output.note(`ds: task ${task.id} (${job.name}) could not be cancelled`)
      abandon(error)
    })
  }, logger)
  try {
    const last = await follow(task, output, (event) => encodeEvent(event as TaskEvent))
    ended = true
    if (last.state === 'DONE') output.value(await task.result())
    const code = await explainEnd(last, task, output)
    return interrupted && code !== EXIT.done ? EXIT.interrupted : code
  } finally {
    stopListening()
  }
}

/** A logger that passes on what handlers log, and what goes wrong around them. What the worker says of tasks, the progress bar and the last line say already. */
function withoutTasks(logger: Logger): Logger {
  const silent = (): void => undefined
  const unlessOfTask =
    (level: 'warn' | 'error'): Logger['warn'] =>
    (message, fields) =>
      fields?.['task'] === undefined && logger[level](message, fields)
  return {
    debug: silent,
    info: silent,
    warn: unlessOfTask('warn'),
    error: unlessOfTask('error'),
    child: (fields) => logger.child(fields),
  }
}

async function ownMemory(): Promise<Broker> {
  const broker = guardBroker(createMemoryBroker())
  await broker.connect({ timeout: 1000 })
  return broker
}
