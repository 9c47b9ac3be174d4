import type { CaseContext } from '../case-context.ts'
import { check, equal } from '../check.ts'
import { startProgram } from '../children/start-program.ts'
import { submitOne } from '../submitting.ts'

/** A child process that has closed its broker must have nothing left that keeps it. */
export async function endsByItself(context: CaseContext): Promise<void> {
  const child = await startProgram(context, { type: 'cycle' })
  await child.waitForLine('closed', { timeoutMs: context.tolerances.patience })
  const exit = await context.soon('the process to end after close', child.exited, 5000 * context.settings.load)
  equal(exit, { code: 0, signal: null }, `how the process ended; it wrote: ${child.output}`)
}

export async function startsBeforeItsServer(context: CaseContext): Promise<void> {
  const server = await context.server()
  await server.stop()
  const broker = context.make({ url: server.url })
  let connected = false
  const connecting = broker.connect({ timeout: 60_000 }).then(() => (connected = true))
  connecting.catch(() => undefined)
  // Longer than a first try takes, so that it is a later one that finds the server.
  await context.watchFor(1500)
  check(!connected, 'connect resolved while the server was stopped')
  await server.start()
  await context.soon('connect to resolve once the server is up', connecting, context.tolerances.recovery)
  await submitOne(context, broker)
}
