import type { CaseContext } from '../../src/case-context.ts'
import { killedAgainAndAgain } from '../../src/groups/recovery/workers.ts'
import type { Figures } from './soak-case.ts'

/** Worker processes die one after the other for two minutes. */
export async function killWorkers(context: CaseContext): Promise<Figures> {
  if (!context.capabilities.shared) return context.skip('its tasks live in one process, which cannot be killed alone')
  await killedAgainAndAgain(context)
  const [fault] = context.faults
  return { ...fault }
}
