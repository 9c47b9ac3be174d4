import type { BrokerHealth } from '@ds/core'
import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Exit, Invocation } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { openSession } from '../session.ts'

/** `ds health` */
export function addHealthCommand(program: Command, exit: Exit): void {
  action(
    program.command('health').description('whether the broker answers, and how durable it is; exit 1 if not well'),
    exit,
    health,
  )
}

async function health(invocation: Invocation): Promise<number> {
  await using session = await openSession(invocation.globals)
  const found = await session.broker.health()
  invocation.output.answer(found, describe(session.broker.address, found))
  return found.ok ? EXIT.done : EXIT.failed
}

function describe(address: string, { ok, checks, durability }: BrokerHealth): string {
  const lines = checks.map(
    (check) => `${check.ok ? 'ok' : 'bad'}  ${check.name}${check.message === undefined ? '' : `: ${check.message}`}`,
  )
  const advice = durability.advice === undefined ? '' : `. ${durability.advice}`
  return [
    `${address}  ${ok ? 'healthy' : 'unhealthy'}`,
    ...lines,
    `durability ${durability.level}: ${durability.summary}${advice}`,
  ].join('\n')
}
