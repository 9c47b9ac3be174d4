import { expect, test } from 'vitest'
import type { CaseResult } from '../run-cases.ts'
import { mergeRuns } from './merge-runs.ts'

function result(name: string, verdict: CaseResult['verdict'], why = ''): CaseResult {
  return { name, verdict, why, faults: [], milliseconds: 1 }
}

test('a case passes when it passed in every run, and says in which it failed', () => {
  const runs = [
    [result('a', 'passed'), result('b', 'passed'), result('c', 'skipped', 'a reason')],
    [result('b', 'failed', 'too late'), result('a', 'passed'), result('c', 'skipped', 'a reason')],
  ]
  expect(mergeRuns(['a', 'b', 'c'], runs)).toMatchObject([
    { name: 'a', verdict: 'passed' },
    { name: 'b', verdict: 'failed', why: 'run 2 of 2: too late' },
    { name: 'c', verdict: 'skipped', why: 'a reason' },
  ])
})
