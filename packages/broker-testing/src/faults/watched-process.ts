import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { guard } from './guard.ts'
import { groupIsRunning, isStopped, killGroup, startTimeOf } from './process-identity.ts'
import { waitUntil, within } from './waiting.ts'

/** What to run, and where its output goes. */
export interface ProcessOptions {
  command: string
  arguments?: readonly string[]
  /** Added to this process's own environment. */
  environment?: Readonly<Record<string, string>>
  workingDirectory?: string
  /** A file that both streams are appended to. Without it they are kept in memory. */
  logFile?: string
  /** Opens Node's message channel to the process (`process.send` there). */
  channel?: boolean
}

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

// The shell waits for a line before it becomes the program, so that nothing runs before the watchdog knows its pid;
// a parent killed before that closes the pipe, and the shell ends. `exec` keeps the pid.
const gate = 'read -r go && exec "$0" "$@" </dev/null'

/**
 * A process that cannot outlive this one: a watchdog ends it, with everything it started, even when this process is
 * killed. Signals go to its pid alone; `close` ends its whole group.
 */
export class WatchedProcess implements AsyncDisposable {
  /** Identifies the process to the operating system; the leader of its own process group. */
  readonly pid: number
  /** Resolves when the process has ended and its output is complete. Never rejects. */
  readonly exited: Promise<Exit>
  /** How it ended; `undefined` while it runs. */
  exit: Exit | undefined
  readonly command: string
  readonly startTime: string | undefined
  protected readonly child: ChildProcess
  readonly #options: ProcessOptions
  readonly #chunks: Buffer[] = []
  #release: (() => void) | undefined

  /** Prefer `startProcess`: a process made here waits until `open` is called. */
  constructor(options: ProcessOptions) {
    this.#options = options
    this.command = [options.command, ...(options.arguments ?? [])].join(' ')
    this.child = spawnBehindGate(options)
    this.exited = this.#watchExit()
    if (this.child.pid === undefined) throw new Error(`No shell (sh) could be started to run: ${this.command}`)
    this.pid = this.child.pid
    this.startTime = startTimeOf(this.pid)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    }
  }

  /** Registers the process with the watchdog, then lets the program begin. */
  async open(): Promise<void> {
    this.#release = await guard({ process: this.pid })
    this.child.stdin?.on('error', () => undefined)
    this.child.stdin?.end('go\n')
  }

  /** Whether the process has not ended yet; a stopped one (SIGSTOP) counts as running. */
  get running(): boolean {
    return this.exit === undefined
  }

  /** All that the process has written so far, both streams in the order of arrival. */
  get output(): string {
    const { logFile } = this.#options
    return logFile === undefined ? Buffer.concat(this.#chunks).toString() : readFileSync(logFile, 'utf8')
  }

  /** Sends a signal to the process, by its pid. Does nothing once it has ended. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** SIGKILL: the process gets no chance to do anything. Resolves when it is gone. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return this.exited
  }

  /** SIGSTOP: the process keeps memory and connections and does nothing. Resolves when it stands still. */
  async pause(): Promise<void> {
    this.signal('SIGSTOP')
    if (this.startTime === undefined) return
    const what = `process ${this.pid} to stand still`
    await waitUntil(() => !this.running || isStopped(this.pid), { what, timeoutMs: 5_000, intervalMs: 1 })
  }

  /** SIGCONT: a paused process goes on. */
  resume(): void {
    this.signal('SIGCONT')
  }

  /**
   * SIGTERM, also to a paused process, and waits for the end.
   *
   * @throws Error when the process is still there after `timeoutMs` (default 10,000); it is left running.
   */
  async stop(timeoutMs = 10_000): Promise<Exit> {
    this.signal('SIGTERM')
    this.resume()
    const exit = await within(this.exited, timeoutMs)
    if (exit !== undefined) return exit
    throw new Error(`Process ${this.pid} did not end within ${timeoutMs / 1000} s of SIGTERM: ${this.command}`)
  }

  /**
   * Lets the process outlive this one: whoever needs it to end does so by its pid. Its output has to go to a file, or it
   * fails at its first word after this process has ended.
   */
  letGo(): void {
    this.#release?.()
    this.#release = undefined
    this.child.unref()
  }

  /** Ends the process and everything it started in its group, by SIGKILL. May be called more than once. */
  async close(): Promise<void> {
    if (this.running || groupIsRunning(this.pid)) killGroup(this.pid, this.startTime)
    await this.exited
    this.#release?.()
    this.#release = undefined
  }

  /** {@link WatchedProcess.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #watchExit(): Promise<Exit> {
    return new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.exit ??= { code, signal }
        resolve(this.exit)
      }
      this.child.once('error', () => ended(null, null))
      // 'close' also waits for the output; a grandchild that holds the pipes open must not keep it from resolving.
      this.child.once('close', ended)
      this.child.once('exit', (code, signal) => {
        this.exit = { code, signal }
        setTimeout(ended, 200, code, signal)
      })
    })
  }
}

/** Starts a process that cannot outlive this one. Resolves when the program has begun, not when it is ready. */
export async function startProcess(options: ProcessOptions): Promise<WatchedProcess> {
  const started = new WatchedProcess(options)
  await started.open()
  return started
}

function spawnBehindGate(options: ProcessOptions): ChildProcess {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
  const stdio: StdioOptions = ['pipe', log ?? 'pipe', log ?? 'pipe']
  if (options.channel) stdio.push('ipc')
  try {
    return spawn('sh', ['-c', gate, options.command, ...(options.arguments ?? [])], {
      stdio,
      detached: true,
      env: { ...process.env, ...options.environment },
      ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
    })
  } finally {
    if (log !== undefined) closeSync(log)
  }
}
