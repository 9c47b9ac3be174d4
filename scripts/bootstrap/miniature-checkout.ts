import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

type Running = ChildProcessByStdio<null, Readable, Readable>

/** Notes how it was called, and does as it is told by the environment. */
const pnpm = `#!/bin/sh
echo "$*" >> "$PNPM_LOG"
if [ -n "$PNPM_WAITS" ]; then exec sleep 20; fi
if [ -n "$PNPM_SAYS" ]; then echo "$PNPM_SAYS"; fi
exit "\${PNPM_EXIT:-0}"
`

const files: Readonly<Record<string, string>> = {
  'pnpm-workspace.yaml': 'packages:\n  - packages/*\n  - bench\nallowBuilds:\n  esbuild: true\n',
  'pnpm-lock.yaml': 'lockfileVersion: 9\n',
  'package.json': '{ "type": "module" }',
  'packages/core/package.json': '{ "name": "core", "scripts": { "build": "tsup" } }',
  'packages/core/src/index.ts': 'export const core = 1\n',
  'packages/core/src/index.test.ts': '',
  'packages/core/dist/index.js': 'export const core = 1\n',
  'examples/tasks-documents/start.ts':
    'const words: string[] = process.argv.slice(2)\n' +
    "if (words[0] === 'exit') process.exitCode = Number(words[1])\n" +
    // Ready for the signal before it says anything: who reads that may send it at once.
    "if (words[0] === 'wait') { process.on('SIGTERM', () => process.exit(7)); setTimeout(() => {}, 20_000) }\n" +
    'console.log(JSON.stringify({ words, cwd: process.cwd() }))\n',
  pnpm: pnpm,
}

/**
 * A folder with the bootstrap of this checkout and next to nothing else. Its pnpm only notes what it is asked for: what
 * is installed and built is the business of the real one; when, and what follows, that of the bootstrap.
 */
export class MiniatureCheckout {
  readonly root: string = mkdtempSync(path.join(tmpdir(), 'a checkout '))

  constructor() {
    for (const [file, text] of Object.entries(files)) this.write(file, text)
    chmodSync(path.join(this.root, 'pnpm'), 0o755)
    cpSync(import.meta.dirname, path.join(this.root, 'scripts/bootstrap'), { recursive: true })
    cpSync(path.join(import.meta.dirname, '../bootstrap.mjs'), path.join(this.root, 'scripts/bootstrap.mjs'))
    const toolchain = { pnpmVersion: '12.21.0', node: process.execPath, pnpm: path.join(this.root, 'pnpm') }
    this.write('.tools/toolchain.json', JSON.stringify(toolchain))
  }

  write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(this.root, file)), { recursive: true })
    writeFileSync(path.join(this.root, file), text)
  }

  /** What pnpm was asked for since the last look, by its first words. */
  pnpmCalls(): string[] {
    const log = path.join(this.root, 'pnpm.log')
    const calls = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
    rmSync(log, { force: true })
    return calls.map((call) => (call.startsWith('exec turbo run build') ? 'build' : (call.split(' ')[0] ?? '')))
  }

  start(args: readonly string[], env: Record<string, string> = {}): Running {
    const { INIT_CWD: _, npm_lifecycle_event: __, ...inherited } = process.env
    return spawn(process.execPath, [path.join(this.root, 'scripts/bootstrap.mjs'), ...args], {
      cwd: this.root,
      env: { ...inherited, PNPM_LOG: path.join(this.root, 'pnpm.log'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return await ended(this.start(args, env))
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

export async function ended(child: Running): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<number | null>()
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.on('close', (code) => resolve(code))
  const code = await promise
  return { code, out, err }
}
