#!/usr/bin/env node
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CaseContext, CaseSkipped } from '../src/case-context.ts'
import { kitVersion } from '../src/reporting.ts'
import { prepareRun } from '../src/run-cases.ts'
import { loadTarget } from '../src/runner/load-target.ts'
import { fail, readOptions, TARGET_OPTIONS } from './command-line.ts'
import { mustEndByItself } from './ends-by-itself.ts'
import { SOAK_CASES } from './soak/cases.ts'
import type { SoakCase, SoakReport } from './soak/soak-case.ts'
import { targetFile } from './target-file.ts'

const USAGE = `Runs one long case on a broker.

  npm run soak -- --broker NAME --case CASE [options]

  --broker NAME    memory, redis, nats, kafka
  --target FILE    instead: a module that exports brokerUnderTest, of an adapter of your own
  --server URL     use this server; cluster starts several that form one; without it one is started
  --json FILE      write what was measured there

Cases:
${SOAK_CASES.map(({ name, shows }) => `  ${name.padEnd(18)} ${shows}`).join('\n')}
`

const values = readOptions({
  ...TARGET_OPTIONS,
  case: { type: 'string' },
})

async function runSoak(soak: SoakCase): Promise<SoakReport> {
  const file = values.target ?? targetFile(values.broker ?? '')
  const options = values.server === undefined ? {} : { server: values.server }
  const target = await loadTarget(file, options).catch((error: unknown) => fail(String(error)))
  const started = performance.now()
  const context = new CaseContext(await prepareRun(target, { scale: 'full' }), soak.name)
  const outcome = await measure(soak, context)
  await context.end().catch((error: unknown) => console.error(`At the end: ${String(error)}`))
  await target.close?.()
  const seconds = Math.round((performance.now() - started) / 100) / 10
  return { kit: kitVersion(), broker: target.name, server: target.server ?? '', case: soak.name, seconds, ...outcome }
}

async function measure(soak: SoakCase, context: CaseContext): Promise<Pick<SoakReport, 'verdict' | 'why' | 'figures'>> {
  try {
    return { verdict: 'passed', figures: await soak.run(context) }
  } catch (error) {
    if (error instanceof CaseSkipped) return { verdict: 'skipped', why: error.message, figures: {} }
    return {
      verdict: 'failed',
      why: error instanceof Error ? error.message : String(error),
      figures: { ...context.faults[0] },
    }
  }
}

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
if (values.broker === undefined && values.target === undefined) fail(USAGE)
const soak = SOAK_CASES.find(({ name }) => name === values.case) ?? fail(`Name a case with --case.\n\n${USAGE}`)
const report = await runSoak(soak)
console.log(JSON.stringify(report, undefined, 2))
if (values.json !== undefined) {
  mkdirSync(path.dirname(values.json), { recursive: true })
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
}
process.exitCode = report.verdict === 'failed' ? 1 : 0
mustEndByItself()
