import type { BrokerCapabilities } from '@ds/core'

/** How late things may be on a broker. An adapter declares its own; they are printed with every report. Milliseconds. */
export interface Tolerances {
  /** How far the server's clock and this process's may disagree about a lower bound. */
  readonly clock: number
  /** From a task's due time to its start on an idle worker. */
  readonly delayLateness: number
  /** From a submit to its start on a worker that has long been idle. */
  readonly wakeUp: number
  /** From the end of a lease to the next start, beyond the declared sweep and takeover. */
  readonly leaseLateness: number
  /** Until another process sees a write. */
  readonly readLag: number
  /** For what stays visible of a finished task after its retention. */
  readonly retentionLateness: number
  /** Until a call says that the server does not answer. */
  readonly unavailable: number
  /** Until tasks flow again after the server is back. */
  readonly recovery: number
  /** From the end of the last round trip to `health()` saying so, and from the return to saying that all is well. */
  readonly health: number
  /** For everything that should happen soon and has no bound of its own. */
  readonly patience: number
}

/** What follows from the capabilities, for a machine that is busy with tests. */
export function defaultTolerances(capabilities: BrokerCapabilities): Tolerances {
  return {
    clock: 5,
    delayLateness: capabilities.delayTick + 500,
    wakeUp: 500,
    leaseLateness: 500,
    readLag: capabilities.readLag + 500,
    retentionLateness: 5000,
    unavailable: 10_000,
    recovery: 15_000,
    health: 10_000,
    patience: 15_000,
  }
}

/** The tolerances of a run in which `load` runs share the machine. Lower bounds do not change. */
export function tolerancesUnderLoad(tolerances: Tolerances, load: number): Tolerances {
  if (load <= 1) return tolerances
  const entries = Object.entries(tolerances).map(([name, value]: [string, number]) => [
    name,
    name === 'clock' ? value : value * load,
  ])
  return Object.fromEntries(entries) as Tolerances
}
