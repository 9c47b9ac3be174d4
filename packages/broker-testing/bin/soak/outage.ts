import type { CaseContext } from '../../src/case-context.ts'
import { check, rejects } from '../../src/check.ts'
import { FaultRun } from '../../src/fault-run.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

/** From the server's return until tasks end again, in milliseconds. */
const MOST = 15_000

/** The server is stopped for so many milliseconds under load; the same workers and the same manager go on. */
export async function outage(context: CaseContext, away: number): Promise<Figures> {
  const server = await context.server()
  const broker = { url: server.url }
  const run = await FaultRun.start(context, {
    tasks: 20_000,
    workers: 3,
    concurrency: 20,
    lease: 5000,
    work: 10,
    broker,
  })
  const submitting = run.submitAll()
  await run.untilPart(0.3)
  await run.fault(() => server.stop())
  const stopped = performance.now()
  await context.until('health to say so', async () => !(await run.manager.health()).ok, context.tolerances.health)
  const unhealthyAfterMs = Math.round(performance.now() - stopped)
  say(`the server is away; health said so after ${unhealthyAfterMs} ms`)
  let healthyMeanwhile = 0
  while (performance.now() - stopped < away) {
    if ((await run.manager.health()).ok) healthyMeanwhile += 1
    await rejects(run.manager.get(['any']), 'BrokerUnavailable', 'get while the server is away')
    await context.watchFor(2000)
  }
  await run.mend(() => server.start())
  const back = performance.now()
  await context.until(
    'health to say that all is well',
    async () => (await run.manager.health()).ok,
    context.tolerances.health,
  )
  const healthyAfterMs = Math.round(performance.now() - back)
  await submitting
  await run.checkBooks()
  const [
    { told, lost, duplicates, inFlight, recoveredMs } = {
      told: 0,
      lost: 0,
      duplicates: 0,
      inFlight: 0,
      recoveredMs: 0,
    },
  ] = context.faults
  check(recoveredMs <= MOST, `tasks ended again ${recoveredMs} ms after the return`)
  return {
    awayMs: away,
    told,
    lost,
    duplicates,
    inFlight,
    recoveredMs,
    unhealthyAfterMs,
    healthyAfterMs,
    healthyMeanwhile,
  }
}
