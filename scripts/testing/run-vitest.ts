import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestArguments } from './arguments.ts'
import { root } from './command.ts'
import type { Outcome } from './outcome.ts'
import { chosenByNameVariable, outcomesVariable } from './vitest-reporter.ts'

const reporter = path.join(root, 'scripts/testing/vitest-reporter.ts')

/** Runs every project of vitest.config.ts, output passed through, and returns how each test ended. */
export async function runVitest(wanted: TestArguments): Promise<Outcome[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ds-tests-'))
  const file = path.join(folder, 'outcomes.json')
  try {
    const code = await spawnVitest(wanted, {
      ...process.env,
      [outcomesVariable]: file,
      ...(wanted.quick && { DS_TEST_QUICK: '1' }),
      ...(wanted.chosenByName && { [chosenByNameVariable]: '1' }),
    })
    return addExitCode(readOutcomes(file), code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function spawnVitest(wanted: TestArguments, env: NodeJS.ProcessEnv): Promise<number> {
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
  const args = ['run', '--reporter=default', `--reporter=${reporter}`, ...wanted.vitest]
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = spawn(process.execPath, [vitest, ...args], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  child.on('error', reject)
  child.on('close', (code) => resolve(code ?? 1))
  return await promise
}

function readOutcomes(file: string): Outcome[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Outcome[]) : []
}

/** vitest may fail without a failed test: a config that does not load, a process that dies. */
function addExitCode(outcomes: Outcome[], code: number): Outcome[] {
  if (code === 0 || outcomes.some((outcome) => outcome.state === 'failed')) return outcomes
  return [...outcomes, { name: 'vitest', state: 'failed', detail: `ended with exit code ${code}, see above` }]
}
