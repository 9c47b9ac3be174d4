import { ConfigInvalidError, NotSupportedError, openBroker } from '@ds/core'
import type { Logger } from '@ds/core'
import { forkEntry } from './isolation/process.ts'
import { createLogger } from './logger.ts'
import { PoolMember } from './pool-member.ts'
import { listenForSignals } from './shutdown.ts'
import { tellStarted } from './started-line.ts'
import { untilReachable } from './until-reachable.ts'
import { configOf } from './worker-options.ts'
import type { WorkerOptions } from './worker-options.ts'
import type { RunOptions } from './worker.ts'
import type { WorkerStatus } from './worker-status.ts'

/**
 * Options of a worker, for each process of a pool. They travel to it, so they are plain data: the App is named by its file or package,
 * the broker by URL or options. `logger` is the pool's own; its processes write to stderr.
 */
export interface WorkerPoolOptions extends Omit<WorkerOptions, 'observers'> {
  /** How many. Default: the config's, else 1. */
  readonly processes?: number
}

/** What a pool does just now. */
export interface WorkerPoolStatus {
  /** In the order of their numbers. `pid` is that of the process last started, `status` what it last told of itself. */
  readonly members: readonly { readonly pid: number | undefined; readonly status: WorkerStatus | undefined }[]
}

const FIRST_WAIT = 500
/** Milliseconds that a process may take on top of its drain and grace. */
const STOP_PATIENCE = 15_000

/**
 * Several worker processes of one App on this machine. One that dies is replaced, after a wait that grows; all drain when the pool
 * is stopped, and none outlives it.
 * @example
 * await new WorkerPool({ app: './tasks.ts', processes: 4, concurrency: 20 }).run({ signals: true })
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #logger: Logger
  readonly #ending = new AbortController()
  #members: readonly PoolMember[] = []
  #running: Promise<void> | undefined

  constructor(options: WorkerPoolOptions = {}) {
    this.#options = options
    this.#logger = options.logger ?? createLogger()
  }

  /**
   * Runs until it is stopped, and resolves when all its processes have ended.
   * @throws NotSupportedError for a broker that processes do not share, as `memory:`.
   * @throws ConfigInvalidError, or the error of the process that could not be started.
   */
  run(options: RunOptions = {}): Promise<void> {
    this.#running ??= this.#run(options)
    return this.#running
  }

  /** Lets all processes drain and end. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running?.catch(() => undefined)
  }

  /** What its processes are and do; each tells of itself now and then, so a status may be a moment old. */
  status(): WorkerPoolStatus {
    return { members: this.#members.map(({ pid, status }) => ({ pid, status })) }
  }

  async #run({ signals = false }: RunOptions): Promise<void> {
    const stopListening = signals ? listenForSignals(() => this.#ending.abort(), this.#logger) : undefined
    let patience = STOP_PATIENCE
    try {
      const config = await configOf(this.#options)
      const processes = this.#options.processes ?? config.worker.processes ?? 1
      const workerOptions = plainOptions(this.#options)
      patience += config.worker.drain ?? 30_000
      await this.#checkShared(config, processes)
      await this.#start(processes, workerOptions)
    } finally {
      await Promise.all(this.#members.map((member) => member.stop(patience)))
      stopListening?.()
    }
  }

  async #start(processes: number, workerOptions: WorkerOptions): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.#members = Array.from({ length: processes }, (_, index) => {
      const spawn = () => forkEntry('pool-entry')
      return new PoolMember({ number: index + 1, spawn, workerOptions, logger: this.#logger, firstWait: FIRST_WAIT })
    })
    const stopped = new Promise<void>((resolve) => this.#ending.signal.addEventListener('abort', () => resolve()))
    const [first] = (await Promise.race([Promise.all(this.#members.map((member) => member.start())), stopped])) ?? []
    if (first) tellStarted(first, this.#logger, processes)
    await stopped
    this.#logger.info('Shutting down: waiting for the worker processes')
  }

  async #checkShared(config: Awaited<ReturnType<typeof configOf>>, processes: number): Promise<void> {
    const { signal } = this.#ending
    const broker = await untilReachable(() => openBroker(config, { timeout: '5s', signal }), {
      signal,
      logger: this.#logger,
    })
    if (!broker) return
    const { name, capabilities } = broker
    await broker.close()
    if (capabilities.shared) return
    throw new NotSupportedError(
      `The ${name} broker lives in one process: ${processes} worker processes cannot share it`,
      {
        fix: 'Run one process with more concurrency, or use a broker that processes share, such as redis://127.0.0.1:6379',
      },
    )
  }
}

/** The options as they travel to a process. */
function plainOptions({ processes: _processes, logger: _logger, ...options }: WorkerPoolOptions): WorkerOptions {
  const { app, appModule, ...rest } = options
  if (typeof options.broker === 'object' && 'openConsumer' in options.broker) {
    throw new ConfigInvalidError('A pool cannot send a broker that is made already to its processes', {
      fix: 'Give it by URL or options, or name it in ds.config.ts, which each process reads',
    })
  }
  const module = appModule === undefined ? undefined : String(appModule)
  if (typeof app === 'object' && module === undefined) {
    throw new ConfigInvalidError('A pool cannot send an App to its processes', {
      fix: 'Name its file or package as `app`',
    })
  }
  const named = typeof app === 'object' ? module : app
  try {
    return structuredClone({
      ...rest,
      ...(named !== undefined && { app: named }),
      ...(module !== undefined && { appModule: module }),
    })
  } catch (cause) {
    throw new ConfigInvalidError('An option of the pool cannot be sent to its processes', {
      fix: 'Give plain data: a broker by URL or options, no functions',
      cause,
    })
  }
}
