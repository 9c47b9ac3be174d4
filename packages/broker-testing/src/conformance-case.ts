import type { CaseContext } from './case-context.ts'
import type { Rule } from './rules.ts'

/** The groups of cases, in the order in which they run and are reported. */
export const GROUPS = [
  'lifecycle',
  'submit',
  'delivery',
  'settle',
  'retry-and-delay',
  'lease',
  'cancel',
  'store',
  'events',
  'garbage',
  'shutdown',
  'recovery',
] as const

/** Name of a group of cases. */
export type Group = (typeof GROUPS)[number]

/**
 * What a case needs of the broker or of its {@link BrokerUnderTest}. `shared` and `persistent` are capabilities; the others are
 * tools that the target gives. A case whose needs are not met is skipped, with the reason.
 */
export type Need = 'shared' | 'persistent' | 'child' | 'server' | 'garbage' | 'unreachable' | 'refused' | 'footprint'

/** One case, as data: the same runs under vitest, in the standalone runner and against broken brokers. */
export interface ConformanceCase {
  readonly group: Group
  /** A sentence that is true of a broker that passes. Unique in its group, and stable: skips name it. */
  readonly name: string
  /** The rule of the contract it tests. */
  readonly rule: Rule
  readonly needs?: readonly Need[]
  /** Milliseconds it may take when nothing else runs. Default 30,000. */
  readonly timeout?: number
  /** Rejects when the broker breaks the rule; throws `CaseSkipped` where the case cannot be tried. */
  readonly run: (context: CaseContext) => Promise<void>
}

export const DEFAULT_TIMEOUT = 30_000

/** The name of a case in reports and skips. */
export function fullName({ group, name }: Pick<ConformanceCase, 'group' | 'name'>): string {
  return `${group}: ${name}`
}

/** Cases that stop, cut or kill a server of their own run alone: others on the machine would spoil their times. */
export function runsAlone({ group, needs = [] }: ConformanceCase): boolean {
  return group === 'recovery' || needs.includes('server')
}

/** The cases of a group. */
export function casesOf(group: Group, cases: readonly Omit<ConformanceCase, 'group'>[]): readonly ConformanceCase[] {
  return cases.map((each) => ({ group, ...each }))
}
