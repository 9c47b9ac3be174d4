import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { join, resolve } from 'node:path'
import type { Logger } from '@ds/core'
import { Worker } from '@ds/worker'
import { documents } from '../src/app.ts'

/** What runs the tasks, until it is stopped. */
export interface RunningWorker {
  /** In a few words, for people. */
  readonly description: string
  /** Rejects when the worker ends before it is stopped. */
  readonly ended: Promise<never>
  stop(): Promise<void>
}

const CONCURRENCY = Math.max(2, Math.min(4, availableParallelism()))

/** In this process for `memory:`, which no other can reach; otherwise a process of its own, as `ds worker start` makes it. */
export async function startWorker(brokerUrl: string, outputFolder: string): Promise<RunningWorker> {
  return brokerUrl.startsWith('memory:') ? startInside(brokerUrl) : startBeside(brokerUrl, outputFolder)
}

function startInside(broker: string): RunningWorker {
  const appModule = new URL('../src/app.ts', import.meta.url)
  const worker = new Worker({ app: documents, appModule, broker, concurrency: CONCURRENCY, logger: silent })
  const run = worker.run()
  const ended = run.then(() => new Promise<never>(() => undefined))
  ended.catch(() => undefined)
  return { description: 'a worker in this process', ended, stop: () => worker.stop() }
}

/** What failed is told by the tasks themselves. */
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

async function startBeside(brokerUrl: string, outputFolder: string): Promise<RunningWorker> {
  const log = join(outputFolder, 'worker.log')
  const program = fileURLToPath(new URL('bin.js', import.meta.resolve('@ds/cli')))
  const app = resolve(import.meta.dirname, '..')
  const words = [program, 'worker', 'start', app, '--broker', brokerUrl, '--concurrency', String(CONCURRENCY)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  // In a group of its own: Ctrl-C is for us, who cancel the tasks first and stop it then. It never outlives us.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const file = createWriteStream(log)
  child.stdout.pipe(file, { end: false })
  child.stderr.pipe(file, { end: false })
  let stopping = false
  const exit = once(child, 'exit') as Promise<[number | null]>
  const ended = exit.then(([code]) => {
    if (stopping) return new Promise<never>(() => undefined)
    throw new Error(`The worker ended with exit code ${code}: see ${log}`)
  })
  ended.catch(() => undefined)
  const stop = async (): Promise<void> => {
    stopping = true
    child.kill('SIGTERM')
    await exit
    process.removeListener('exit', kill)
  }
  return { description: `a worker in process ${child.pid} (log: ${log})`, ended, stop }
}
