import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/** How a command is run. */
export interface RunOptions {
  workingDirectory?: string
  /** Added to this process's own environment. */
  environment?: Readonly<Record<string, string>>
  /** Default ten minutes: installing takes its time. */
  timeoutMs?: number
}

/**
 * Runs a command to its end.
 *
 * @throws Error with the command and the first and last lines of what it wrote, when it fails.
 */
export async function runCommand(
  command: string,
  parameters: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(
    command,
    parameters,
    {
      timeout: options.timeoutMs ?? 600_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...options.environment },
      ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
    },
    (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const said = shorten(stderr || stdout || error.message)
      reject(new Error(`\`${[path.basename(command), ...parameters].join(' ')}\` failed: ${said}`, { cause: error }))
    },
  )
  return promise
}

/** Programs say what is wrong at the beginning (Java) or at the end (apt, Go). */
function shorten(text: string): string {
  const lines = text.trim().split('\n')
  return (lines.length > 6 ? [...lines.slice(0, 3), '...', ...lines.slice(-3)] : lines).join(' / ')
}

// Where packages put servers although a user's PATH may lack it.
const usualFolders = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin']

/** The full path of a program; `undefined` when it is not installed. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...usualFolders]
  const candidates = names.flatMap((name) => folders.filter(Boolean).map((folder) => path.join(folder, name)))
  return candidates.find(isExecutable)
}

/** Whether there is a program that this user may run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
