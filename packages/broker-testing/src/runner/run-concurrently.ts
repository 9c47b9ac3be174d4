import type { RunSettings } from '../case-context.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { runCase } from '../run-cases.ts'
import type { CaseResult } from '../run-cases.ts'

/** Runs cases of one broker, several at once: each has a namespace of its own. Results come in the order of the cases. */
export async function runConcurrently(
  cases: readonly ConformanceCase[],
  settings: RunSettings,
  concurrency: number,
): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  let next = 0
  const runNext = async (): Promise<void> => {
    for (;;) {
      const index = next++
      const each = cases[index]
      if (!each) return
      results[index] = await runCase(each, settings)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, cases.length) }, runNext))
  return results
}
