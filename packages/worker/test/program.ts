import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

/** A program of these tests that runs, and what it has printed. */
export interface Program {
  readonly pid: number
  output(): string
  /** Resolves when it has printed this text. Rejects, with all it has printed, when it ends before or takes too long. */
  prints(text: string): Promise<void>
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void
  /** Resolves at its end, with its exit code or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Starts a TypeScript file with arguments; it ends with the test at the latest. */
export function startProgram(file: string, args: readonly string[] = []): Program {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => (output += text))
  }
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => (code ?? signal) as number | string)
  onTestFinished(() => void child.kill('SIGKILL'))
  let over: number | string | undefined
  void ended.then((end) => (over = end))
  const prints = async (text: string): Promise<void> => {
    await until(() => output.includes(text) || over !== undefined, 25_000).catch(() => undefined)
    if (output.includes(text)) return
    throw new Error(
      `It did not print ${JSON.stringify(text)} (${over === undefined ? 'runs' : `ended: ${over}`}):\n${output}`,
    )
  }
  return {
    prints,
    pid: child.pid ?? 0,
    output: () => output,
    signal: (name) => void child.kill(name),
    ended,
  }
}
