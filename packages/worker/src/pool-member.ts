import type { ChildProcess } from 'node:child_process'
import { DsError } from '@ds/core'
import type { Logger } from '@ds/core'
import { errorOf } from './isolation/protocol.ts'
import type { PlainError } from './isolation/protocol.ts'
import { isWithin, pause } from './within.ts'
import type { StartedWorker } from './started-line.ts'
import type { WorkerStatus } from './worker-status.ts'
import type { WorkerOptions } from './worker-options.ts'

export type ToPoolMember = { readonly type: 'start'; readonly options: WorkerOptions } | { readonly type: 'stop' }

export type FromPoolMember =
  | { readonly type: 'ready'; readonly worker: StartedWorker }
  | { readonly type: 'status'; readonly status: WorkerStatus }
  | { readonly type: 'failed'; readonly error: PlainError }

export interface PoolMemberOptions {
  readonly number: number
  readonly spawn: () => ChildProcess
  readonly workerOptions: WorkerOptions
  readonly logger: Logger
  /** Milliseconds before the first restart; each further one waits twice as long. */
  readonly firstWait: number
}

const LONGEST_WAIT = 30_000
/** Milliseconds after which a process that dies is no longer taken for one that cannot live. */
const PROVEN = 60_000

/** One place in a pool: a worker process, and the one that is started after it when it dies. */
export class PoolMember {
  readonly #options: PoolMemberOptions
  readonly #stopping = new AbortController()
  readonly #ready = Promise.withResolvers<StartedWorker>()
  #child: ChildProcess | undefined
  #living: Promise<void> | undefined
  #failure: Error | undefined
  #isReady = false
  #status: WorkerStatus | undefined

  constructor(options: PoolMemberOptions) {
    this.#options = options
    this.#ready.promise.catch(() => undefined)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** What it last said of itself. */
  get status(): WorkerStatus | undefined {
    return this.#status
  }

  /** Starts it. Resolves when it takes tasks for the first time; rejects when it ends before that. */
  start(): Promise<StartedWorker> {
    this.#living ??= this.#live()
    return this.#ready.promise
  }

  /** Lets it drain and end; after `patience` (ms) it is made to. */
  async stop(patience: number): Promise<void> {
    this.#stopping.abort()
    const living = this.#living ?? Promise.resolve()
    if (this.#child) send(this.#child, { type: 'stop' })
    if (!(await isWithin(patience, living))) this.#child?.kill('SIGKILL')
    await living
  }

  async #live(): Promise<void> {
    for (let deaths = 0; !this.#stopping.signal.aborted; deaths += 1) {
      const born = performance.now()
      const reason = await this.#liveOnce()
      if (this.#stopping.signal.aborted) return
      if (!this.#isReady) return this.#ready.reject(this.#failure ?? endedTooSoon(reason))
      if (performance.now() - born > PROVEN) deaths = 0
      const wait = Math.min(LONGEST_WAIT, this.#options.firstWait * 2 ** deaths)
      const { number, logger } = this.#options
      logger.error(
        `Worker process ${number} died (${this.#failure?.message ?? reason}); starting another in ${wait / 1000} s`,
      )
      await pause(wait, this.#stopping.signal)
    }
  }

  /** Resolves with how it ended. */
  #liveOnce(): Promise<string> {
    const child = this.#options.spawn()
    this.#child = child
    this.#failure = undefined
    child.on('message', (message) => this.#onMessage(message as FromPoolMember))
    send(child, { type: 'start', options: this.#options.workerOptions })
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
    })
  }

  #onMessage(message: FromPoolMember): void {
    switch (message.type) {
      case 'ready':
        this.#isReady = true
        return this.#ready.resolve(message.worker)
      case 'status':
        this.#status = message.status
        return
      case 'failed':
        this.#failure = errorOf(message.error)
    }
  }
}

function endedTooSoon(reason: string): DsError {
  const fix = 'The lines above say what it wrote; one process alone, without -n, says more'
  return new DsError('AppInvalid', `A worker process ended before it could take a task: ${reason}`, { fix })
}

function send(child: ChildProcess, message: ToPoolMember): void {
  // It may be dying: then its exit is what counts.
  child.send(message, () => undefined)
}
