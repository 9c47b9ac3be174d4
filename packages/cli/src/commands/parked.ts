import { ConfigInvalidError } from '@ds/core'
import type { ParkedItem } from '@ds/core'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { openSession } from '../session.ts'
import { table } from '../task-text.ts'

type Positional = readonly (string | undefined)[]

/** `ds parked ...`: what could not be decoded. */
export function addParkedCommands(program: Command, exit: Exit): void {
  const parked = program
    .command('parked')
    .description('bytes on the broker that are no tasks: list, read, replay or remove them')
  action(parked.command('list').description('what is parked'), exit, list)
  action(parked.command('read <id>').description('its bytes, to stdout'), exit, read)
  action(parked.command('replay <id>').description('put it back where it came from'), exit, replay)
  action(parked.command('remove <id>').description('throw it away'), exit, remove)
}

async function list({ globals, output }: Invocation): Promise<number> {
  await using session = await openSession(globals)
  const items: ParkedItem[] = []
  let page = await session.manager.parked.list({ limit: 100 })
  items.push(...page.items)
  while (page.cursor !== undefined) {
    page = await session.manager.parked.list({ limit: 100, cursor: page.cursor })
    items.push(...page.items)
  }
  const rows = items.map(({ id, source, size, parkedAt, reason }) => [
    id,
    source,
    `${size} B`,
    new Date(parkedAt).toISOString(),
    reason,
  ])
  if (output.json) for (const item of items) output.line(JSON.stringify(item))
  else for (const row of table([['ID', 'SOURCE', 'SIZE', 'PARKED', 'REASON'], ...rows])) output.line(row)
  return EXIT.done
}

async function read({ globals, output }: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(globals)
  const bytes = await session.manager.parked.read(id)
  if (!bytes) throw unknownItem(id)
  if (output.json) output.value({ id, base64: Buffer.from(bytes).toString('base64') })
  else process.stdout.write(bytes)
  return EXIT.done
}

async function replay({ globals, output }: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(globals)
  if (!(await session.manager.parked.replay(id))) throw unknownItem(id)
  output.answer({ id, answer: 'replayed' }, 'replayed')
  return EXIT.done
}

async function remove({ globals, output }: Invocation, _options: object, [id = '']: Positional): Promise<number> {
  await using session = await openSession(globals)
  if (!(await session.manager.parked.remove(id))) throw unknownItem(id)
  output.answer({ id, answer: 'removed' }, 'removed')
  return EXIT.done
}

function unknownItem(id: string): ConfigInvalidError {
  return new ConfigInvalidError(`Nothing is parked under ${JSON.stringify(id)}`, { fix: 'See: ds parked list' })
}
