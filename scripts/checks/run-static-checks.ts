import type { Outcome } from '../testing/outcome.ts'
import { runStaticCheck, staticChecks } from './static-checks.ts'

/** Two at a time: as many as the smallest machine has cores. */
const lanes = 2

/** Runs the named checks, or all of them. */
export async function runStaticChecks(names: readonly string[] = []): Promise<Outcome[]> {
  const chosen = staticChecks.filter((check) => names.length === 0 || names.some((name) => check.name.startsWith(name)))
  const waiting = [...chosen]
  const outcomes: Outcome[] = []
  const lane = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift()) outcomes.push(await runStaticCheck(check))
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return outcomes
}
