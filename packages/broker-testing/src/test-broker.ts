import { afterAll, beforeAll, describe, test } from 'vitest'
import type { BrokerUnderTest } from './broker-under-test.ts'
import type { RunSettings } from './case-context.ts'
import { casesIn, CASES } from './cases.ts'
import { GROUPS } from './conformance-case.ts'
import type { ConformanceCase, Group } from './conformance-case.ts'
import { makeReport, printReport, writeReport } from './reporting.ts'
import { checkSkips, prepareRun, runCase, timeoutOf } from './run-cases.ts'
import type { CaseResult } from './run-cases.ts'

/** Which cases become tests, and what is written of them. */
export interface TestBrokerOptions {
  /** Default: all twelve. */
  readonly groups?: readonly Group[]
  /** `full` takes every case at the size it is named after. Default `test`: smaller where it would take minutes. */
  readonly scale?: 'test' | 'full'
  /** File for the JSON report. Default: none; it is printed at the end either way. */
  readonly report?: string
}

const TIME_TO_CLEAN_UP = 60_000

/** Registers the cases of the kit as tests of vitest: a `describe` a group, a `test` a case. To be called in a test file. */
export function testBroker(target: BrokerUnderTest, options: TestBrokerOptions = {}): void {
  const run: { settings?: RunSettings; results: CaseResult[] } = { results: [] }
  describe(`conformance of ${target.name}`, () => {
    beforeAll(async () => {
      checkSkips(target, CASES)
      run.settings = await prepareRun(target, { scale: options.scale ?? 'test' })
    }, TIME_TO_CLEAN_UP)

    afterAll(async () => {
      await target.close?.()
      if (!run.settings) return
      const report = makeReport(run.settings, run.results)
      printReport(report)
      if (options.report !== undefined) writeReport(report, options.report)
    }, TIME_TO_CLEAN_UP)

    for (const group of (options.groups ?? GROUPS).filter((name) => casesIn([name]).length > 0)) {
      describe(group, () => casesIn([group]).forEach((each) => registerCase(each, run)))
    }
  })
}

function registerCase(each: ConformanceCase, run: { settings?: RunSettings; results: CaseResult[] }): void {
  test(each.name, { timeout: timeoutOf(each, 1) + TIME_TO_CLEAN_UP }, async (context) => {
    const { settings } = run
    if (!settings) throw new Error('The broker could not be connected before the first case')
    const result = await runCase(each, settings)
    run.results.push(result)
    if (result.verdict === 'skipped') context.skip(result.why)
    if (result.verdict === 'failed') throw result.error
  })
}
