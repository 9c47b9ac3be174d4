import {
  ConfigInvalidError,
  createTaskManager,
  encodeEvent,
  encodeTask,
  STORED_STATES,
  TaskActiveError,
  taskMessage,
} from '@ds/core'
import type { CreateOptions, ListQuery, StoredState, TaskEvent } from '@ds/core'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { explainEnd, follow } from '../ending.ts'
import { EXIT } from '../exit-codes.ts'
import { readArgs } from '../read-args.ts'
import { appOf, openSession } from '../session.ts'
import { attemptErrors, taskDetails, taskRows } from '../task-text.ts'
import { wholeNumberOption } from '../whole-number-option.ts'

type Positional = readonly (string | undefined)[]

/** `ds task ...`: create, watch and read tasks. */
export function addTaskCommands(program: Command, exit: Exit): void {
  const task = program.command('task').description('create, watch, cancel and read tasks')
  addStart(task, exit)
  addReading(task, exit)
  addChanging(task, exit)
}

function addStart(task: Command, exit: Exit): void {
  const command = task
    .command('start <name> [args]')
    .description('create a task; its id goes to stdout')
    .option('--id <id>', 'the id; creating again with the id of a kept task creates nothing')
    .option('--delay <time>', 'start no sooner than this long from now, as in 5m')
    .option('-g, --group <group>', 'the group, where no worker and no App has made the task known')
    .option('--max-retries <number>', 'instead of what its definition says')
    .option('--app <app>', 'the App: its args are checked before they are sent')
    .option('-w, --watch', 'follow it to its end')
    .addHelpText(
      'after',
      `\nARGS is JSON, @FILE or - for stdin.\n\nExample:\n  $ ds task start greet '{"greeted":"world"}' --delay 5m`,
    )
  action<StartOptions>(command, exit, start)
}

interface StartOptions {
  readonly id?: string
  readonly delay?: string
  readonly group?: string
  readonly maxRetries?: string
  readonly app?: string
  readonly watch?: boolean
}

async function start(invocation: Invocation, options: StartOptions, [name = '', typed]: Positional): Promise<number> {
  const wanted = createOptions(options)
  const args = await readArgs(typed)
  await using session = await openSession(invocation.globals)
  const loaded = await appOf(options.app, session.config)
  const manager = loaded ? createTaskManager(session.broker, { app: loaded.app, owned: false }) : session.manager
  const handle = await manager.create(name, args, wanted)
  invocation.output.answer({ id: handle.id, created: handle.created }, handle.id)
  if (!handle.created) invocation.output.note(`ds: task ${handle.id} exists already; nothing was created`)
  return options.watch ? watch(invocation, {}, [handle.id]) : EXIT.done
}

function createOptions({ id, delay, group, maxRetries }: StartOptions): CreateOptions {
  const retries = wholeNumberOption('--max-retries', maxRetries, 0)
  return {
    ...(id !== undefined && { id }),
    ...(delay !== undefined && { delay }),
    ...(group !== undefined && { group }),
    ...(retries !== undefined && { maxRetries: retries }),
  }
}

function addReading(task: Command, exit: Exit): void {
  const watching = task
    .command('watch <id>')
    .description('show its progress until it ends; exit 1 if it failed or was cancelled')
  action(watching, exit, watch)
  const result = task
    .command('result <id>')
    .description('print its result')
    .option('-w, --wait [time]', 'wait until it ends')
  action<{ wait?: string | true }>(result, exit, printResult)
  action(
    task.command('errors <id>').description('each failed attempt with its error and where it was thrown'),
    exit,
    printErrors,
  )
  action(task.command('show <id>').description('all that is known of it'), exit, show)
  const list = task
    .command('list')
    .description('tasks, newest first')
    .option('-s, --state <state...>', `one or more of ${STORED_STATES.join(', ')}`)
    .option('--name <name>')
    .option('-g, --group <group>')
    .option('--parent <id>', 'subtasks of this task')
    .option('-l, --limit <number>', 'how many (default 20)')
  action<ListOptions>(list, exit, listTasks)
  action(task.command('counts').description('how many tasks are in each state'), exit, counts)
}

async function watch(invocation: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(invocation.globals)
  const handle = session.manager.task(id)
  await handle.get()
  const ended = await follow(handle, invocation.output, (event) => encodeEvent(event as TaskEvent))
  return explainEnd(ended, handle, invocation.output)
}

async function printResult(
  invocation: Invocation,
  { wait }: { wait?: string | true },
  [id = '']: Positional,
): Promise<number> {
  await using session = await openSession(invocation.globals)
  const handle = session.manager.task(id)
  if (wait !== undefined) await handle.wait(wait === true ? {} : { timeout: wait })
  const task = await handle.get()
  if (task.completedAt === undefined) throw new TaskActiveError(id)
  if (task.state === 'DONE') invocation.output.value(await handle.result())
  return explainEnd(task, handle, invocation.output)
}

async function printErrors(invocation: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(invocation.globals)
  const handle = session.manager.task(id)
  await handle.get()
  const errors = await handle.errors()
  invocation.output.answer(errors, attemptErrors(errors))
  return EXIT.done
}

async function show(invocation: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(invocation.globals)
  const handle = session.manager.task(id)
  const task = await handle.get()
  const args = await handle.args()
  invocation.output.answer(taskMessage(task, args), taskDetails(task, args))
  return EXIT.done
}

interface ListOptions {
  readonly state?: readonly string[]
  readonly name?: string
  readonly group?: string
  readonly parent?: string
  readonly limit?: string
}

async function listTasks(invocation: Invocation, options: ListOptions): Promise<number> {
  const limit = wholeNumberOption('--limit', options.limit) ?? 20
  const query = { ...queryOf(options), limit: Math.min(limit, 1000) }
  await using session = await openSession(invocation.globals)
  const tasks = []
  for await (const task of session.manager.listAll(query)) {
    tasks.push(task)
    if (tasks.length === limit) break
  }
  if (invocation.output.json) for (const task of tasks) invocation.output.line(encodeTask(task))
  else for (const row of taskRows(tasks)) invocation.output.line(row)
  return EXIT.done
}

function queryOf({ state, name, group, parent }: ListOptions): ListQuery {
  return {
    ...(state && { state: state.map(stateOf) }),
    ...(name !== undefined && { name }),
    ...(group !== undefined && { group }),
    ...(parent !== undefined && { parentId: parent }),
  }
}

function stateOf(text: string): StoredState {
  const state = STORED_STATES.find((known) => known === text.toUpperCase())
  if (state) return state
  throw new ConfigInvalidError(`There is no state ${text}`, { fix: `Use one of ${STORED_STATES.join(', ')}` })
}

async function counts(invocation: Invocation): Promise<number> {
  await using session = await openSession(invocation.globals)
  const found = await session.manager.counts()
  const { delayed, ...states } = found
  const lines = Object.entries(states).map(
    ([state, count]) =>
      `${state.padEnd(9)} ${count}${state === 'QUEUED' && delayed > 0 ? ` (${delayed} delayed)` : ''}`,
  )
  invocation.output.answer(found, lines.join('\n'))
  return EXIT.done
}

function addChanging(task: Command, exit: Exit): void {
  const cancelling = task
    .command('cancel <id>')
    .description('cancel it')
    .option('--requeue', 'send it back to its queue instead of ending it')
  action<{ requeue?: boolean }>(cancelling, exit, cancel)
  action(task.command('retry <id>').description('run it again once it has ended'), exit, retry)
  action(task.command('remove <id>').description('forget it once it has ended'), exit, remove)
}

async function cancel(
  invocation: Invocation,
  { requeue = false }: { requeue?: boolean },
  [id = '']: Positional,
): Promise<number> {
  await using session = await openSession(invocation.globals)
  const answer = await session.manager.task(id).cancel({ requeue })
  invocation.output.answer({ id, answer }, answer)
  return answer === 'finished' ? EXIT.failed : EXIT.done
}

async function retry(invocation: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(invocation.globals)
  await session.manager.task(id).retry()
  invocation.output.answer({ id, answer: 'queued' }, 'queued')
  return EXIT.done
}

async function remove(invocation: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(invocation.globals)
  const answer = await session.manager.task(id).remove()
  if (answer === 'active') throw new TaskActiveError(id)
  invocation.output.answer({ id, answer }, answer)
  return EXIT.done
}
