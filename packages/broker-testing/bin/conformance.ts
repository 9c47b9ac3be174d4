#!/usr/bin/env node
import { GROUPS } from '../src/conformance-case.ts'
import type { Group } from '../src/conformance-case.ts'
import { printReport, writeReport } from '../src/reporting.ts'
import { ruleTable } from '../src/rule-table.ts'
import type { CaseResult } from '../src/run-cases.ts'
import { loadTarget } from '../src/runner/load-target.ts'
import { runConformance } from '../src/runner/run-conformance.ts'
import { fail, readOptions, TARGET_OPTIONS } from './command-line.ts'
import { mustEndByItself } from './ends-by-itself.ts'
import { targetFile } from './target-file.ts'

const USAGE = `Shows whether a broker keeps the contract, on a real server.

  npm run conformance -- --broker NAME [options]

  --broker NAME    memory, redis, nats, kafka
  --target FILE    instead: a module that exports brokerUnderTest, of an adapter of your own
  --server URL     use this server; cluster starts several that form one; without it one is started
  --only GROUP     one group of cases; may be given more than once: ${GROUPS.join(', ')}
  --case TEXT      only cases whose name contains the text
  --stress N       N runs at once on one server, without the cases that break one
  --scale test     smaller sizes in the cases that take minutes
  --json FILE      write the report there
  --rules          print the rules, their cases and the broken brokers that fail them; run nothing
`

const values = readOptions({
  ...TARGET_OPTIONS,
  only: { type: 'string', multiple: true },
  case: { type: 'string' },
  stress: { type: 'string' },
  scale: { type: 'string' },
  rules: { type: 'boolean' },
})

function groupsOf(names: readonly string[] | undefined): Group[] | undefined {
  return names?.map((name) => {
    const group = GROUPS.find((each) => each === name)
    return group ?? fail(`There is no group ${name}. The groups are: ${GROUPS.join(', ')}`)
  })
}

function numberOf(text: string | undefined): number {
  const number = Number(text ?? 1)
  return Number.isInteger(number) && number >= 1 ? number : fail(`--stress takes a whole number from 1, not ${text}`)
}

function scaleOf(text: string | undefined): 'test' | 'full' {
  if (text !== undefined && text !== 'test' && text !== 'full') fail(`--scale is test or full, not ${text}`)
  return text ?? 'full'
}

function printResult({ name, verdict, why, milliseconds }: CaseResult, run: number): void {
  const where = stress > 1 ? `${String(run).padStart(2)} ` : ''
  console.log(`${where}${verdict.padEnd(8)} ${name}${why ? `: ${why}` : ''} (${milliseconds} ms)`)
}

if (values.rules) {
  console.log(`# Rules, cases and broken brokers\n\n${ruleTable()}`)
  process.exit(0)
}
if (values.help || (values.broker === undefined && values.target === undefined)) {
  console.log(USAGE)
  process.exit(values.help ? 0 : 2)
}
const stress = numberOf(values.stress)
const groups = groupsOf(values.only)
const file = values.target ?? targetFile(values.broker ?? '')
const options = values.server === undefined ? {} : { server: values.server }
const target = await loadTarget(file, options).catch((error: unknown) => fail(String(error)))
const report = await runConformance(target, {
  stress,
  scale: scaleOf(values.scale),
  onResult: printResult,
  ...(groups && { groups }),
  ...(values.case !== undefined && { matching: values.case }),
})
printReport(report)
if (values.json !== undefined) writeReport(report, values.json)
process.exitCode = report.failed.length > 0 ? 1 : 0
mustEndByItself()
