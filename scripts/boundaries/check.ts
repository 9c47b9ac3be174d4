import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { cruise } from 'dependency-cruiser'
import type { ICruiseResult, IViolation } from 'dependency-cruiser'
import type { CommandResult } from '../testing/command.ts'
import { importRules } from './import-rules.ts'
import { manifestProblems } from './manifest-rules.ts'

const sources = ['packages', 'examples', 'bench', 'docs']

/** Follows every import of the workspace and reports those that point the wrong way, and the cycles. */
export async function checkBoundaries(root: string): Promise<CommandResult> {
  const problems = [...manifestProblems(readManifests(root)), ...(await importProblems(root))]
  return { ok: problems.length === 0, output: problems.join('\n') }
}

async function importProblems(root: string): Promise<string[]> {
  const present = sources.filter((folder) => existsSync(path.join(root, folder)))
  const { output } = await cruise(present, {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: importRules() },
    exclude: { path: '/(dist|out|coverage)/.*[.]d[.]ts$' },
    doNotFollow: { path: '(^|/)(node_modules|dist)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  })
  const { violations } = (output as ICruiseResult).summary
  return violations.map(describe)
}

function describe({ from, to, rule, cycle }: IViolation): string {
  const where = cycle ? [from, ...cycle.map((step) => step.name)].join(' -> ') : `${from} -> ${to}`
  const comment = importRules().find(({ name }) => name === rule.name)?.comment ?? ''
  return `${rule.name}: ${where}\n    ${comment}`
}

function readManifests(root: string): Map<string, Record<string, unknown>> {
  const folder = path.join(root, 'packages')
  const names = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, 'package.json')))
  return new Map(names.map((name) => [name, readJson(path.join(folder, name, 'package.json'))]))
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
}
