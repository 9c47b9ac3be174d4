import { describe, expect, test } from 'vitest'
import { closingLine, exitCode, summary } from './outcome.ts'
import type { Outcome } from './outcome.ts'

const passed: Outcome = { name: 'one', state: 'passed', detail: '' }
const failed: Outcome = { name: 'two', state: 'failed', detail: 'expected 1 to be 2' }
const skipped: Outcome = { name: 'three', state: 'skipped', detail: 'no server' }

describe('the end of a test run', () => {
  test('counts, and names skips only where there are some', () => {
    expect(closingLine([passed, passed])).toBe('2 passed, 0 failed')
    expect(closingLine([passed, failed, skipped])).toBe('1 passed, 1 failed, 1 skipped')
  })

  test('is red when something failed, when nothing ran, and when all was skipped', () => {
    expect(exitCode([passed, skipped])).toBe(0)
    expect(exitCode([passed, failed])).toBe(1)
    expect(exitCode([])).toBe(1)
    expect(exitCode([skipped])).toBe(1)
  })

  test('tells why each case failed or was skipped, and closes with the plain line alone', () => {
    const lines = summary([passed, failed, skipped]).trimEnd().split('\n')
    expect(lines).toContain('  two: expected 1 to be 2')
    expect(lines).toContain('  three: no server')
    expect(lines.at(-1)).toBe('1 passed, 1 failed, 1 skipped')
  })
})
