import type { Measurement } from './row.ts'

/** One measurement, run in a process of its own so that no subject inherits another's heap and compiled code. */
export interface Job {
  readonly bench: BenchName
  readonly broker: string
  readonly subject: string
  readonly url: string
  readonly namespace: string
  readonly concurrency?: number
  /** Tasks measured, samples taken, or milliseconds, as the bench has it. */
  readonly size: number
  /** B6: tasks a second. */
  readonly rate?: number
}

export type BenchName = 'B1' | 'B2' | 'B3' | 'B4' | 'B5' | 'B6' | 'B7' | 'B8' | 'heap' | 'stock'

/** What the process answers. */
export interface JobAnswer {
  readonly measurements: readonly Measurement[]
  readonly versions: Readonly<Record<string, string>>
}
