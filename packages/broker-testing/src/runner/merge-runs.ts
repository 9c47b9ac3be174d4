import type { CaseResult } from '../run-cases.ts'

/** One result a case from those of several runs: it passed if it passed in each, and says in which runs it failed. */
export function mergeRuns(names: readonly string[], runs: readonly (readonly CaseResult[])[]): CaseResult[] {
  return names.map((name) => {
    const results = runs.flatMap((run) => run.find((result) => result.name === name) ?? [])
    return mergeResults(name, results)
  })
}

function mergeResults(name: string, results: readonly CaseResult[]): CaseResult {
  const faults = results.flatMap((result) => result.faults)
  const milliseconds = Math.max(0, ...results.map((result) => result.milliseconds))
  const failures = results.flatMap((result, run) =>
    result.verdict === 'failed' ? [`run ${run + 1} of ${results.length}: ${result.why}`] : [],
  )
  if (failures.length > 0) return { name, verdict: 'failed', why: failures.join('\n'), faults, milliseconds }
  const skipped = results.find(({ verdict }) => verdict === 'skipped')
  if (skipped) return { name, verdict: 'skipped', why: skipped.why ?? '', faults, milliseconds }
  return { name, verdict: 'passed', faults, milliseconds }
}
