import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A start that a worker told of. */
export interface Start {
  readonly id: string
  readonly attempt: number
  readonly at: number
  readonly worker: number
}

/** What all workers told so far. */
export class Diary {
  readonly starts: Start[] = []
  readonly settled: {
    readonly id: string
    readonly attempt: number
    readonly outcome: string
    readonly answer: string
  }[] = []
  /** State records that workers which have left read. */
  read: number[] = []

  startsOf(id: string): Start[] {
    return this.starts.filter((start) => start.id === id)
  }

  /** Tasks of which one attempt was started twice. */
  doubles(): string[] {
    const seen = new Set<string>()
    return this.starts.flatMap(({ id, attempt }) => {
      const name = `${id} ${attempt}`
      if (seen.has(name)) return [name]
      seen.add(name)
      return []
    })
  }
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly child: ChildProcess
  /** Ends it in good order. */
  leave(): Promise<void>
}

/** Starts a worker and resolves when it takes tasks. */
export async function startWorker(diary: Diary, args: readonly string[]): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [new URL('./worker.ts', import.meta.url).pathname, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('a worker ended before it was ready')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready')) resolve()
      else note(diary, line.split(' '), child.pid ?? 0)
    })
  })
  return {
    child,
    leave: () => {
      child.stdin.end()
      return ended
    },
  }
}

function note(diary: Diary, [what, id = '', attempt = '', outcome = '', answer = '']: string[], worker: number): void {
  if (what === 'start') diary.starts.push({ id, attempt: Number(attempt), at: performance.now(), worker })
  if (what === 'settled') diary.settled.push({ id, attempt: Number(attempt), outcome, answer })
  if (what === 'read') diary.read.push(Number(id))
}
