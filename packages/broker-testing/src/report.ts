import type { Tolerances } from './tolerances.ts'

/** What a run of the kit found. Printed, and written as JSON. */
export interface ConformanceReport {
  /** Version of this package. */
  readonly kit: string
  readonly broker: string
  readonly server: string
  readonly passed: readonly string[]
  readonly failed: readonly { readonly case: string; readonly why: string }[]
  readonly skipped: readonly { readonly case: string; readonly reason: string }[]
  readonly tolerances: Tolerances
  readonly faults: readonly FaultReport[]
  /** What shows that the kit sees a broken rule: see the table of broken brokers. */
  readonly rules: readonly RuleCoverage[]
}

/** What a fault did to the tasks. */
export interface FaultReport {
  readonly case: string
  /** Tasks that were answered "created". */
  readonly told: number
  /** Of these, how many did not end. Always 0 in a case that passed. */
  readonly lost: number
  /** Starts beyond the first of each task. */
  readonly duplicates: number
  /** The most that may have been started twice: what was in flight at the faults. */
  readonly inFlight: number
  /** From the end of the fault until tasks flowed again. */
  readonly recoveredMs: number
}

/** A rule, the broker that breaks it, and the cases that say so. */
export interface RuleCoverage {
  readonly rule: string
  readonly brokenBroker: string
  readonly cases: readonly string[]
}
