import type { RuleCoverage } from '../report.ts'
import { RULES } from '../rules.ts'
import type { BrokenBroker } from './broken-broker.ts'
import { brokenDeliveries } from './delivery.ts'
import { brokenEvents } from './events.ts'
import { brokenLeases } from './lease.ts'
import { brokenRecoveries } from './recovery.ts'
import { brokenSettlements } from './settle.ts'
import { brokenStores } from './store.ts'
import { brokenSubmits } from './submit.ts'

/** Every broken broker. */
export const BROKEN_BROKERS: readonly BrokenBroker[] = [
  brokenSubmits,
  brokenDeliveries,
  brokenSettlements,
  brokenLeases,
  brokenStores,
  brokenEvents,
  brokenRecoveries,
].flat()

/** The table of the report: which broken broker fails which cases. The tests of this package show that it is true. */
export function ruleCoverage(): RuleCoverage[] {
  return BROKEN_BROKERS.map(({ rule, name, cases }) => ({ rule: RULES[rule], brokenBroker: name, cases }))
}
