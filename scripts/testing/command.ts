import { spawn } from 'node:child_process'
import path from 'node:path'

export const root: string = path.resolve(import.meta.dirname, '../..')

export interface CommandResult {
  readonly ok: boolean
  readonly output: string
}

/** Runs a program in the root (or `cwd`) and collects what it prints on both streams, in order. */
export async function capture(words: readonly string[], cwd: string = root): Promise<CommandResult> {
  const [program = '', ...args] = words
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>()
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('error', reject)
  child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() }))
  return await promise
}

/** A development tool of the root's node_modules. */
export function tool(...words: readonly string[]): string[] {
  return ['pnpm', 'exec', ...words]
}
