import type { ConformanceCase, Group } from './conformance-case.ts'
import { cancel } from './groups/cancel.ts'
import { delivery } from './groups/delivery.ts'
import { events } from './groups/events.ts'
import { garbage } from './groups/garbage.ts'
import { lease } from './groups/lease.ts'
import { lifecycle } from './groups/lifecycle.ts'
import { recovery } from './groups/recovery.ts'
import { retryAndDelay } from './groups/retry-and-delay.ts'
import { settling } from './groups/settle.ts'
import { shutdown } from './groups/shutdown.ts'
import { store } from './groups/store.ts'
import { submit } from './groups/submit.ts'

/** Every case of the kit, group by group. */
export const CASES: readonly ConformanceCase[] = [
  lifecycle,
  submit,
  delivery,
  settling,
  retryAndDelay,
  lease,
  cancel,
  store,
  events,
  garbage,
  shutdown,
  recovery,
].flat()

/** The cases of the groups, or all. */
export function casesIn(groups?: readonly Group[]): readonly ConformanceCase[] {
  return groups ? CASES.filter(({ group }) => groups.includes(group)) : CASES
}
