import { describe, expect, test } from 'vitest'
import { BROKEN_BROKERS } from '../src/broken/catalogue.ts'
import type { BrokenBroker } from '../src/broken/broken-broker.ts'
import { CASES } from '../src/cases.ts'
import { fullName, runsAlone } from '../src/conformance-case.ts'
import type { ConformanceCase } from '../src/conformance-case.ts'
import { prepareRun } from '../src/run-cases.ts'
import type { CaseResult } from '../src/run-cases.ts'
import { runConcurrently } from '../src/runner/run-concurrently.ts'
import { playedUnderTest } from './played-under-test.ts'

const TIMEOUT = 600_000
const AT_ONCE = 30
/** Wide enough for thirty cases at once, narrow enough that a broken broker does not take minutes to fail. */
const TOLERANCES = {
  delayLateness: 2000,
  wakeUp: 1000,
  leaseLateness: 2000,
  readLag: 1000,
  unavailable: 3000,
  health: 3000,
  recovery: 5000,
  patience: 5000,
}

async function runKit(cases: readonly ConformanceCase[], broken?: BrokenBroker): Promise<CaseResult[]> {
  const played = playedUnderTest(broken?.wrap)
  const change = broken?.options ?? ((options) => options)
  const target = { ...played, tolerances: TOLERANCES, create: (options: object) => played.create(change(options)) }
  // Leases as long as for four runs at once: thirty cases share the time of one process.
  const settings = { ...(await prepareRun(target)), load: 4, longest: 25_000 }
  try {
    return await runConcurrently(cases, settings, AT_ONCE)
  } finally {
    await played.close?.()
  }
}

/** Cases that break a server, and those that take long, are run only where they are named. */
function casesFor({ cases }: BrokenBroker): ConformanceCase[] {
  const quick = (each: ConformanceCase): boolean => !runsAlone(each) && (each.timeout ?? 0) < 60_000
  return CASES.filter((each) => quick(each) || cases.includes(fullName(each)))
}

let running = 0
const waiting: (() => void)[] = []

/** They share one process: many at once would make each other late. */
async function atMost8<Value>(run: () => Promise<Value>): Promise<Value> {
  if (running === 8) await new Promise<void>((resolve) => waiting.push(resolve))
  else running += 1
  try {
    return await run()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

function namesOf(results: readonly CaseResult[], verdict: CaseResult['verdict']): string[] {
  return results.filter((result) => result.verdict === verdict).map(({ name }) => name)
}

test('a broker that is not broken passes every case', { timeout: TIMEOUT }, async () => {
  const wanted = new Set(BROKEN_BROKERS.flatMap(({ cases }) => cases))
  const cases = CASES.filter((each) => !runsAlone(each) || wanted.has(fullName(each)))
  const results = await runKit(cases)
  expect(results.filter(({ verdict }) => verdict === 'failed')).toEqual([])
  expect(namesOf(results, 'passed').length).toBeGreaterThan(140)
})

test('each broken broker names cases of the rule that it breaks', () => {
  for (const { name, rule, cases } of BROKEN_BROKERS) {
    expect(cases, name).not.toHaveLength(0)
    for (const each of cases) {
      const found = CASES.find((one) => fullName(one) === each)
      expect(found, `${name}: ${each}`).toBeDefined()
    }
    expect(
      cases.some((each) => CASES.some((one) => fullName(one) === each && one.rule === rule)),
      `${name} breaks ${rule}`,
    ).toBe(true)
  }
})

describe.concurrent('broken brokers', () => {
  for (const broken of BROKEN_BROKERS) {
    test(`one that ${broken.name} fails: ${broken.cases.join('; ')}`, { timeout: TIMEOUT }, async () => {
      const results = await atMost8(() => runKit(casesFor(broken), broken))
      const failed = namesOf(results, 'failed')
      expect(failed).toEqual(expect.arrayContaining([...broken.cases]))
      // It breaks one rule: what tells nothing of it must go on passing.
      const passed = namesOf(results, 'passed')
      expect(passed.length, `failed: ${failed.join('; ')}`).toBeGreaterThan(2 * failed.length)
    })
  }
})
