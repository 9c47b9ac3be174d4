import { BROKEN_BROKERS } from './broken/catalogue.ts'
import { CASES } from './cases.ts'
import { fullName } from './conformance-case.ts'
import { RULES } from './rules.ts'
import type { Rule } from './rules.ts'

/** Rules, the cases that test each, and the broken brokers that show it, as Markdown. */
export function ruleTable(): string {
  return (Object.keys(RULES) as Rule[]).map(describeRule).join('\n')
}

function describeRule(rule: Rule): string {
  const cases = CASES.filter((each) => each.rule === rule).map((each) => `  - ${fullName(each)}`)
  const broken = BROKEN_BROKERS.filter((each) => each.rule === rule).map(({ name }) => name)
  const shown = broken.length === 0 ? [] : [`  - failed by one that ${broken.join('; one that ')}`]
  return [`- **${RULES[rule]}**`, ...cases, ...shown].join('\n')
}
