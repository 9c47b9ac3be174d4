import { formatWords, lintWords } from '../bootstrap/commands.mjs'
import { checkBoundaries } from '../boundaries/check.ts'
import { capture, root, tool } from '../testing/command.ts'
import type { CommandResult } from '../testing/command.ts'
import type { Outcome } from '../testing/outcome.ts'

/** A check of the whole checkout that runs no product code. */
export interface StaticCheck {
  readonly name: string
  /** The command that mends, or shows, what the check found. */
  readonly fix: string
  run(): Promise<CommandResult>
}

export const staticChecks: readonly StaticCheck[] = [
  {
    name: 'lint',
    fix: 'npm run lint -- --fix',
    run: () => capture(tool(...lintWords, '.')),
  },
  {
    name: 'types',
    fix: 'npm run typecheck',
    run: () => capture(tool('turbo', 'run', 'typecheck', '--continue', '--output-logs=errors-only', '--ui=stream')),
  },
  { name: 'types of scripts', fix: 'npm run typecheck', run: () => capture(tool('tsc', '-p', 'tsconfig.json')) },
  {
    name: 'format',
    fix: 'npm run format',
    run: () => capture(tool(...formatWords, '--check', '.')),
  },
  // Warnings fail it: what is exported has a docstring, and what it names is exported too.
  { name: 'docs', fix: 'npm run docs', run: () => capture(tool('typedoc', '--emit', 'none', '--logLevel', 'Warn')) },
  { name: 'boundaries', fix: 'docs/contributing/development.md, "Arrows"', run: () => checkBoundaries(root) },
]

/** Runs one check, says how it went, and shows all it printed where it failed. */
export async function runStaticCheck(check: StaticCheck): Promise<Outcome> {
  const started = performance.now()
  const { ok, output } = await check.run()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(`${ok ? '✓' : '✗'} ${check.name} (${seconds} s)\n`)
  if (ok) return { name: check.name, state: 'passed', detail: '' }
  process.stdout.write(`${output}\n`)
  return { name: check.name, state: 'failed', detail: `to mend it: ${check.fix}` }
}
