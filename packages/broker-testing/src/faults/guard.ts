import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WatchdogRequest } from './watchdog.ts'

/** What must not outlive this process: a process with all of its group, a folder, or something that a command ends. */
export type Guarded = { process: number } | { folder: string } | { command: readonly string[] }

const answerTimeoutMs = 20_000

interface Watchdog {
  child: ChildProcess
  waiting: Map<number, (failure?: Error) => void>
  nextId: number
  failure?: Error
}

let watchdog: Watchdog | undefined

/**
 * Has a process, folder or command ended, removed or run when this process is gone, even after SIGKILL.
 *
 * Resolves once the watchdog knows of it, with a function that takes it back.
 */
export async function guard(guarded: Guarded): Promise<() => void> {
  watchdog ??= startWatchdog()
  const current = watchdog
  const id = current.nextId++
  await ask(current, { id, watch: guarded })
  return () => {
    if (current.failure === undefined) send(current, { id, forget: true })
  }
}

function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [watchdogPath()], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  const started: Watchdog = { child, waiting: new Map(), nextId: 1 }
  child.once('error', (error) => fail(started, `could not be started: ${error.message}`))
  child.once('exit', (code, signal) => fail(started, `ended (${signal ?? code})`))
  child.stdin.on('error', (error) => fail(started, `does not listen: ${error.message}`))
  createInterface({ input: child.stdout }).on('line', (line) => {
    started.waiting.get(Number(line))?.()
  })
  letParentEnd(child)
  return started
}

/** The program is a `.ts` file beside this one in the source, and a `.js` file of the same name in the package. */
function watchdogPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./watchdog.${extension}`, import.meta.url))
}

function letParentEnd(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout]) if (stream instanceof Socket) stream.unref()
}

function ask(current: Watchdog, request: WatchdogRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    if (current.failure !== undefined) return reject(current.failure)
    const timer = setTimeout(() => fail(current, 'does not answer'), answerTimeoutMs)
    current.waiting.set(request.id, (failure) => {
      clearTimeout(timer)
      current.waiting.delete(request.id)
      if (failure === undefined) resolve()
      else reject(failure)
    })
    send(current, request)
  })
}

function send(current: Watchdog, request: WatchdogRequest): void {
  current.child.stdin?.write(`${JSON.stringify(request)}\n`)
}

function fail(current: Watchdog, why: string): void {
  current.failure ??= new Error(
    `The watchdog that ends servers and child processes ${why}. Nothing more is started; run the tests again.`,
  )
  for (const answer of current.waiting.values()) answer(current.failure)
}
