import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export const FIXTURES: string = path.join(import.meta.dirname, 'fixtures')
/** The built `ds`. */
export const BIN: string = path.join(import.meta.dirname, '..', 'dist', 'bin.js')

/** A folder that goes with its test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ds-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built `ds` in a process of its own, in the folder of the fixtures. */
export function ds(
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  return runNode([BIN, ...args], options)
}

/** Runs commands one after another on a broker they share with a worker. */
export async function dsOnSharedBroker(commands: readonly (readonly string[])[]): Promise<Finished[]> {
  const { code, stdout, stderr } = await runNode([path.join(FIXTURES, 'drive.ts'), JSON.stringify(commands)])
  const parts = stdout.split(/\n--- exit (\d+)\n/)
  if (code !== 0 || parts.length !== commands.length * 2 + 1)
    throw new Error(`the commands ended early\n${stdout}\n${stderr}`)
  return commands.map((_, index) => ({ stdout: parts[2 * index] ?? '', code: Number(parts[2 * index + 1]), stderr }))
}

function runNode(
  args: readonly string[],
  { input, env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('DS_'))
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd: FIXTURES, env: { ...Object.fromEntries(inherited), ...env }, timeout: 60_000 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    )
    child.stdin?.end(input ?? '')
  })
}
