import { ConfigInvalidError } from '@ds/core'
import type { AppDescription, TaskDescription } from '@ds/core'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { appOf, configFrom, openSession } from '../session.ts'
import { table } from '../task-text.ts'

/** `ds app list [APP]` */
export function addAppCommands(program: Command, exit: Exit): void {
  const app = program.command('app').description('what an App offers')
  const list = app
    .command('list [app]')
    .description("an App's tasks, groups and schemas: a file or an installed package, else the config's App")
    .option('--announced', 'the Apps that workers have announced on the broker')
    .addHelpText('after', '\nExamples:\n  $ ds app list tasks.ts\n  $ ds app list @acme/tasks-ocr --json')
  action<{ announced?: boolean }>(list, exit, listApps)
}

async function listApps(
  invocation: Invocation,
  { announced }: { announced?: boolean },
  [reference]: readonly (string | undefined)[],
): Promise<number> {
  const descriptions = announced ? await announcedApps(invocation) : [await describeApp(invocation, reference)]
  for (const description of descriptions) invocation.output.answer(description, describe(description))
  return EXIT.done
}

async function announcedApps(invocation: Invocation): Promise<AppDescription[]> {
  await using session = await openSession(invocation.globals)
  return await session.manager.apps()
}

async function describeApp(invocation: Invocation, reference: string | undefined): Promise<AppDescription> {
  const loaded = await appOf(reference, await configFrom(invocation.globals))
  if (loaded) return loaded.app.describe()
  throw new ConfigInvalidError('No App is named', {
    fix: 'Give a file or package, as in ds app list tasks.ts, or app in the config file',
  })
}

function describe({ name, tasks }: AppDescription): string {
  const rows = tasks.map((task) => [
    task.name,
    task.group,
    String(task.maxRetries),
    schema(task.args),
    schema(task.result),
    task.description ?? '',
  ])
  return [`app ${name}`, ...table([['TASK', 'GROUP', 'RETRIES', 'ARGS', 'RESULT', ''], ...rows])].join('\n')
}

/** A schema as a type is written, as far as one line can say it. */
function schema(json: TaskDescription['args']): string {
  if (!json) return '-'
  return typeText(json)
}

function typeText(json: unknown): string {
  if (typeof json !== 'object' || json === null) return 'any'
  const { type, properties, items, enum: values, anyOf, required } = json as Partial<JsonSchemaParts>
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (anyOf) return anyOf.map(typeText).join(' | ')
  if (type === 'array') return `${typeText(items)}[]`
  if (type !== 'object' || !properties) return type ?? 'any'
  const fields = Object.entries(properties).map(
    ([key, value]) => `${key}${required?.includes(key) ? '' : '?'}: ${typeText(value)}`,
  )
  return `{ ${fields.join(', ')} }`
}

interface JsonSchemaParts {
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly items: unknown
  readonly enum: readonly unknown[]
  readonly anyOf: readonly unknown[]
  readonly required: readonly string[]
}
