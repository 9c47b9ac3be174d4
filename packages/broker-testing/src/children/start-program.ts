import { fileURLToPath } from 'node:url'
import type { CreateOptions } from '../broker-under-test.ts'
import type { CaseContext } from '../case-context.ts'
import { startChild } from '../faults/child-script.ts'
import type { ChildScript } from '../faults/child-script.ts'
import type { ProgramOptions } from './program-options.ts'

/** The program is a `.ts` file beside this one in the source, and a `.js` file of the same name in the package. */
function programPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./child-program.${extension}`, import.meta.url))
}

/** Starts a child process that plays a role on the broker of a case. Killed at the end of the case. */
export async function startProgram(
  context: CaseContext,
  role: ProgramOptions['role'],
  options: CreateOptions = {},
): Promise<ChildScript> {
  const { child } = context.target
  if (!child) return context.skip('the target names no module for child processes (child)')
  const { module, export: name = 'adapter' } = child
  const broker = { module, export: name, options: { ...child.options, namespace: context.namespace, ...options } }
  const program: ProgramOptions = { broker, queue: context.queue, role }
  const started = await startChild(programPath(), {
    arguments: [JSON.stringify(program)],
    environment: { NODE_NO_WARNINGS: '1' },
  })
  context.atEnd(() => started.close())
  return started
}
