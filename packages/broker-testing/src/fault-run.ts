import { DsError } from '@ds/core'
import type { Broker, Delivery, NewTask, Outcome } from '@ds/core'
import type { CreateOptions } from './broker-under-test.ts'
import type { CaseContext } from './case-context.ts'
import { check } from './check.ts'
import { DONE } from './consuming.ts'
import { batchesOf, newTasks } from './submitting.ts'
import { TestWorker } from './test-worker.ts'

export interface FaultRunOptions {
  readonly tasks: number
  readonly workers: number
  readonly concurrency: number
  readonly lease: number
  /** Milliseconds that a task takes. Default 2. */
  readonly work?: number
  /** Where the brokers are. */
  readonly broker?: CreateOptions
}

/**
 * Tasks that run while something breaks, and the books kept of them: what was told "created", what was started how often, what has
 * ended, and what was in flight at the faults.
 */
export class FaultRun {
  readonly context: CaseContext
  readonly manager: Broker
  readonly told: Set<string> = new Set()
  readonly starts: Map<string, number> = new Map()
  readonly settled: Set<string> = new Set()
  readonly #options: FaultRunOptions
  readonly #workers: TestWorker[] = []
  readonly #tasks: readonly NewTask[]
  #inFlight = 0
  #lastSettled = 0
  #recovered = 0

  private constructor(context: CaseContext, manager: Broker, options: FaultRunOptions) {
    this.context = context
    this.manager = manager
    this.#options = options
    this.#tasks = newTasks(context, options.tasks, { maxCrashes: 100 })
  }

  /** Connects and starts the workers, each on a broker of its own. */
  static async start(context: CaseContext, options: FaultRunOptions): Promise<FaultRun> {
    const run = new FaultRun(context, await context.open(options.broker), options)
    for (let index = 0; index < options.workers; index++) {
      const broker = await context.open(options.broker)
      const worker = await TestWorker.start({
        broker,
        queues: [context.queue],
        concurrency: options.concurrency,
        lease: options.lease,
        handle: (delivery) => run.#handle(delivery),
        onSettled: (delivery, answer) => run.#noteSettled(delivery, answer.ok),
      })
      run.#workers.push(worker)
      context.atEnd(() => worker.abandon())
    }
    return run
  }

  get finished(): number {
    return this.settled.size
  }

  /** Submits all tasks, batch by batch; what an outage left unanswered is sent again. */
  async submitAll(): Promise<void> {
    for (const batch of batchesOf(this.manager, this.#tasks)) await this.#submitBatch(batch)
  }

  /** Waits until this part of the tasks has ended. */
  async untilPart(part: number): Promise<void> {
    const wanted = Math.ceil(part * this.#options.tasks)
    await this.context.until(
      `${wanted} of ${this.#options.tasks} tasks to end`,
      () => {
        this.#checkWorkers()
        return this.finished >= wanted
      },
      120_000,
    )
  }

  /** Breaks something. What is started and has no answer when it is broken may run twice. */
  async fault(breakIt: () => Promise<unknown>): Promise<void> {
    await breakIt()
    this.#inFlight += this.#workers.reduce((sum, worker) => sum + worker.inFlight, 0)
  }

  /** Mends it, and notes the time until tasks end again. */
  async mend(mendIt: () => Promise<unknown>): Promise<void> {
    await mendIt()
    const mended = performance.now()
    await this.context.until(
      'tasks to end again after the fault',
      () => {
        this.#checkWorkers()
        return this.#lastSettled > mended || this.finished === this.#options.tasks
      },
      this.context.tolerances.recovery,
    )
    this.#recovered = Math.max(this.#recovered, Math.round(performance.now() - mended))
  }

  /** Waits for the end of all tasks and checks the books: nothing lost, and no more duplicates than were in flight. */
  async checkBooks(): Promise<void> {
    const { told, context } = this
    check(
      told.size === this.#options.tasks,
      `only ${told.size} of ${this.#options.tasks} tasks were answered "created"`,
    )
    await context.until(
      'all tasks to end',
      async () => {
        this.#checkWorkers()
        const { QUEUED, RUNNING } = await this.manager.counts()
        return QUEUED + RUNNING === 0
      },
      120_000,
    )
    const lost = await this.#countLost()
    const duplicates = [...this.starts.values()].reduce((sum, count) => sum + count - 1, 0)
    context.faults.push({ told: told.size, lost, duplicates, inFlight: this.#inFlight, recoveredMs: this.#recovered })
    check(lost === 0, `${lost} of ${told.size} tasks that were answered "created" did not end in DONE`)
    check(duplicates <= this.#inFlight, `${duplicates} starts too many, with ${this.#inFlight} in flight at the faults`)
    for (const worker of this.#workers) await context.soon('a worker to stop', worker.stop())
  }

  async #countLost(): Promise<number> {
    let done = 0
    const ids = [...this.told]
    for (let start = 0; start < ids.length; start += 500) {
      const tasks = await this.manager.get(ids.slice(start, start + 500))
      done += tasks.filter((task) => task?.state === 'DONE').length
    }
    return ids.length - done
  }

  async #submitBatch(batch: readonly NewTask[]): Promise<void> {
    const deadline = performance.now() + 180_000
    let open = batch
    while (open.length > 0) {
      const answers = await this.manager.submit(open).catch(onlyOutage)
      for (const [index, task] of open.entries()) if (answers[index]?.ok) this.told.add(task.id)
      open = open.filter(({ id }) => !this.told.has(id))
      if (open.length === 0) return
      check(performance.now() < deadline, 'a submit was not answered within three minutes')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async #handle({ task }: Delivery): Promise<Outcome> {
    this.starts.set(task.id, (this.starts.get(task.id) ?? 0) + 1)
    await new Promise((resolve) => setTimeout(resolve, this.#options.work ?? 2))
    return DONE
  }

  #noteSettled({ task }: Delivery, ok: boolean): void {
    if (!ok) return
    this.settled.add(task.id)
    this.#lastSettled = performance.now()
  }

  #checkWorkers(): void {
    for (const { failure } of this.#workers) if (failure) throw failure
  }
}

export function onlyOutage(error: unknown): never[] {
  if (DsError.is(error, 'BrokerUnavailable')) return []
  throw error
}
