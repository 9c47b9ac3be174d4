import type { LogPort } from './port/log-port.ts'
import type { ServerClock } from './state/clock.ts'
import type { StateView } from './state/state-view.ts'
import type { Topology } from './topology.ts'
import { partitionOf } from './topology.ts'
import type { Presence } from './workers/presence.ts'

/** What the parts of a broker share. */
export interface Parts {
  readonly port: LogPort
  readonly topology: Topology
  readonly clock: ServerClock
  readonly view: StateView
  readonly presence: Presence
}

/** The partition of a task. */
export function placeOf({ topology }: Pick<Parts, 'topology'>, id: string): number {
  return partitionOf(id, topology.partitions)
}
