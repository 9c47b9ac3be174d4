// npm test [-- --quick] [-- VITEST ARGUMENTS]: static checks, build and all tests; closes with how many passed and failed.
import { prepare } from './bootstrap/prepare.mjs'
import { runStaticChecks } from './checks/run-static-checks.ts'
import { readTestArguments } from './testing/arguments.ts'
import { root } from './testing/command.ts'
import { exitCode, summary } from './testing/outcome.ts'
import type { Outcome } from './testing/outcome.ts'
import { runVitest } from './testing/run-vitest.ts'

async function build(): Promise<Outcome> {
  try {
    await prepare(root, 'build')
    return { name: 'build', state: 'passed', detail: '' }
  } catch (error) {
    return { name: 'build', state: 'failed', detail: error instanceof Error ? error.message : String(error) }
  }
}

async function runAll(): Promise<Outcome[]> {
  const wanted = readTestArguments(process.argv.slice(2))
  const built = await build()
  if (built.state === 'failed') return [built]
  const checks = wanted.staticChecks ? await runStaticChecks() : []
  return [built, ...checks, ...(await runVitest(wanted))]
}

const outcomes = await runAll()
process.stdout.write(summary(outcomes))
process.exitCode = exitCode(outcomes)
