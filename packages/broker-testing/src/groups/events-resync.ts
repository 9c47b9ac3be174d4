import type { CaseContext } from '../case-context.ts'
import { check } from '../check.ts'
import { submitOne } from '../submitting.ts'
import { eventsOf, watch } from '../watching.ts'

/** The subscriber is cut off; what happens meanwhile it may miss, and must be told so. */
export async function resyncAfterCut(context: CaseContext): Promise<void> {
  const server = await context.server({ proxied: true })
  const { proxy } = server
  if (!proxy) return context.skip('the server was not started behind a proxy')
  const broker = await context.open({ url: server.url })
  const watched = await watch(context, broker)
  const before = await submitOne(context, broker)
  await context.until('an event before the break', () => eventsOf(watched, before.id).length)
  await proxy.cut({ refuse: true })
  await context.watchFor(500)
  await proxy.heal()
  await context.until('a resync after the break', () => watched.resyncs > 0, context.tolerances.recovery)
  const after = await context.until(
    'a submit after the break',
    () => submitOne(context, broker),
    context.tolerances.recovery,
  )
  await context.until('an event after the break', () => eventsOf(watched, after.id).length)
  check(watched.resyncs < 50, `a break was followed by ${watched.resyncs} resyncs`)
}
