import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ruleCoverage } from './broken/catalogue.ts'
import type { RunSettings } from './case-context.ts'
import type { ConformanceReport } from './report.ts'
import type { CaseResult } from './run-cases.ts'

/** The report of a run, cases in the order in which they ran. */
export function makeReport({ target, tolerances }: RunSettings, results: readonly CaseResult[]): ConformanceReport {
  const ofVerdict = (verdict: CaseResult['verdict']): CaseResult[] =>
    results.filter((result) => result.verdict === verdict)
  return {
    kit: kitVersion(),
    broker: target.name,
    server: target.server ?? '',
    passed: ofVerdict('passed').map(({ name }) => name),
    failed: ofVerdict('failed').map(({ name, why = '' }) => ({ case: name, why })),
    skipped: ofVerdict('skipped').map(({ name, why = '' }) => ({ case: name, reason: why })),
    tolerances,
    faults: results.flatMap(({ faults }) => faults),
    rules: ruleCoverage(),
  }
}

/** Writes a report as JSON; its folder is made. */
export function writeReport(report: ConformanceReport, file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`)
}

/** Prints what a person wants to know of a report. */
export function printReport(report: ConformanceReport): void {
  process.stdout.write(`${describeReport(report).join('\n')}\n`)
}

export function describeReport(report: ConformanceReport): string[] {
  const { passed, failed, skipped, faults } = report
  const tolerances = Object.entries(report.tolerances).map(([name, value]) => `${name} ${value}`)
  return [
    '',
    `conformance of ${report.broker} ${report.server}`.trimEnd() + ` (kit ${report.kit})`,
    `tolerances in ms: ${tolerances.join(', ')}`,
    ...failed.map((each) => `FAILED   ${each.case}\n         ${each.why.split('\n').join('\n         ')}`),
    ...skipped.map((each) => `skipped  ${each.case}: ${each.reason}`),
    ...faults.map(
      (fault) =>
        `fault    ${fault.case}: told ${fault.told}, lost ${fault.lost}, ` +
        `duplicates ${fault.duplicates} of at most ${fault.inFlight} in flight, recovered in ${fault.recoveredMs} ms`,
    ),
    `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ]
}

/** From the package's own manifest, which lies above both the source and the build. */
export function kitVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
