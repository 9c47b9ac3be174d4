import type { BrokerUnderTest } from '../broker-under-test.ts'
import type { RunSettings } from '../case-context.ts'
import { CASES, casesIn } from '../cases.ts'
import { fullName, runsAlone } from '../conformance-case.ts'
import type { ConformanceCase, Group } from '../conformance-case.ts'
import type { ConformanceReport } from '../report.ts'
import { makeReport } from '../reporting.ts'
import { checkSkips, prepareRun, runCase } from '../run-cases.ts'
import type { CaseResult } from '../run-cases.ts'
import { mergeRuns } from './merge-runs.ts'

/** Which cases a run of the kit takes, and how. */
export interface ConformanceOptions {
  /** Default: all. */
  readonly groups?: readonly Group[]
  /** Only cases whose full name contains this text. */
  readonly matching?: string
  /** So many runs at once, on one server, in this process. Cases that break a server of their own are left out. Default 1. */
  readonly stress?: number
  /** Default `full`: every case at the size it is named after. */
  readonly scale?: 'test' | 'full'
  /** Called as each case ends; in stress mode also with the number of the run, from 1. */
  readonly onResult?: (result: CaseResult, run: number) => void
}

/** Runs the kit without a test runner and gives the report. Closes the target at the end. */
export async function runConformance(
  target: BrokerUnderTest,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { stress = 1, scale = 'full', onResult } = options
  try {
    checkSkips(target, CASES)
    const settings = await prepareRun(target, { load: loadOf(stress), scale })
    const cases = selectCases(options)
    if (stress === 1) return makeReport(settings, await runAll(cases, settings, (result) => onResult?.(result, 1)))
    const runs = Array.from({ length: stress }, (_, index) => {
      const order = rotated(cases, Math.floor((index * cases.length) / stress))
      return runAll(order, settings, (result) => onResult?.(result, index + 1))
    })
    return makeReport(settings, mergeRuns(cases.map(fullName), await Promise.all(runs)))
  } finally {
    await target.close?.()
  }
}

/** The cases that a run with these options takes. */
export function selectCases({ groups, matching = '', stress = 1 }: ConformanceOptions): readonly ConformanceCase[] {
  return casesIn(groups).filter((each) => fullName(each).includes(matching) && (stress === 1 || !runsAlone(each)))
}

/** Tolerances and times grow with what shares one process and one server; less than by the number of runs, for most wait. */
function loadOf(stress: number): number {
  return stress === 1 ? 1 : Math.ceil(Math.sqrt(2 * stress))
}

async function runAll(
  cases: readonly ConformanceCase[],
  settings: RunSettings,
  onResult: (result: CaseResult) => void,
): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  for (const each of cases) {
    const result = await runCase(each, settings)
    onResult(result)
    results.push(result)
  }
  return results
}

/** Runs begin at different cases, so that different ones meet. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  return [...items.slice(by), ...items.slice(0, by)]
}
