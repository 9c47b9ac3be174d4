import type { CaseContext } from '../../src/case-context.ts'

/** A case that takes minutes, by name. */
export interface SoakCase {
  readonly name: string
  /** What it shows, in one line. */
  readonly shows: string
  /** Rejects when it does not hold. Gives what was measured. */
  readonly run: (context: CaseContext) => Promise<Figures>
}

export type Figures = Readonly<Record<string, number | string>>

/** What is written with `--json`. */
export interface SoakReport {
  readonly kit: string
  readonly broker: string
  readonly server: string
  readonly case: string
  readonly verdict: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly why?: string
  readonly seconds: number
  readonly figures: Figures
}

/** Says on the error stream how far it is; the result alone goes to standard output. */
export function say(message: string): void {
  console.error(`  ${message}`)
}
