import { expect, test } from 'vitest'
import type { CaseContext } from '../src/case-context.ts'
import type { ConformanceCase } from '../src/conformance-case.ts'
import { prepareRun, runCase } from '../src/run-cases.ts'
import { brokerUnderTest } from './memory-under-test.ts'

function caseThat(run: (context: CaseContext) => Promise<void>): ConformanceCase {
  return { group: 'lifecycle', name: 'a case', rule: 'capabilities', run }
}

test.each([
  [
    'fails',
    'failed',
    (): never => {
      throw new Error('on purpose')
    },
  ],
  ['skips itself', 'skipped', (context: CaseContext): never => context.skip('on purpose')],
] as const)('a case that %s is cleaned up', async (_how, verdict, end) => {
  const settings = await prepareRun(brokerUnderTest())
  let context: CaseContext | undefined
  let closed = false
  const result = await runCase(
    caseThat(async (given) => {
      context = given
      given.atEnd(async () => void (closed = true))
      end(given)
    }),
    settings,
  )
  expect(result).toMatchObject({ verdict, why: expect.stringContaining('on purpose') as string })
  expect(closed).toBe(true)
  expect(context?.signal.aborted).toBe(true)
})
