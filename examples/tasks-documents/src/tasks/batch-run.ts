import { Fatal, type TaskHandle, type TaskManager } from '@ds/core'
import type { z } from 'zod'
import type { DocumentFailure } from '../failure.ts'
import { indexBatchTask } from './index-batch-task.ts'
import type { indexBatchResult } from './schemas.ts'

type BatchResult = z.output<typeof indexBatchResult>
type BatchHandle = TaskHandle<BatchResult>

export interface BatchRunOptions {
  /** Creates the subtasks. */
  readonly manager: TaskManager
  readonly signal: AbortSignal
  readonly batchSize: number
  /** Called with the number of files that are done. */
  readonly onDone: (files: number) => void
}

/** How many batches may wait or run at once: enough to keep many workers busy, and a folder of any size fits the queue. */
const MAX_OPEN = 64
/** Paths of a batch together; the args of a task have a limit. */
const MAX_PATH_CHARACTERS = 60_000
/** A result shows the first failures only; more are kept than shown, so that scan and batches mix. */
const MAX_FAILURES = 500

/** Files on their way into the index: collected to batches, handed out as subtasks, summed up. */
export class BatchRun {
  readonly counts = { files: 0, added: 0, replaced: 0, unchanged: 0, failed: 0, skipped: 0 }
  /** The first of them; `failureCount` counts all. */
  readonly failures: DocumentFailure[] = []
  failureCount = 0
  /** Failures that no batch has noted in the index. */
  readonly newFailures: DocumentFailure[] = []
  readonly #options: BatchRunOptions
  readonly #open = new Map<BatchHandle, Promise<void>>()
  #paths: string[] = []
  #characters = 0
  #done = 0
  #error: { readonly reason: unknown } | undefined

  constructor(options: BatchRunOptions) {
    this.#options = options
  }

  async addFile(path: string): Promise<void> {
    this.counts.files += 1
    this.#paths.push(path)
    this.#characters += path.length
    if (this.#paths.length === this.#options.batchSize || this.#characters > MAX_PATH_CHARACTERS) await this.#send()
  }

  /** Counts what could not even be handed to a batch. */
  addFailure(failure: DocumentFailure): void {
    this.counts.failed += 1
    this.newFailures.push(failure)
    this.#keepFailures([failure], 0)
  }

  /** Sends what is left and waits for all batches. */
  async finish(): Promise<void> {
    if (this.#paths.length > 0) await this.#send()
    while (this.#open.size > 0) await this.#waitForOne()
  }

  /** Cancels the batches that have not ended. */
  async cancel(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((handle) => handle.cancel()))
  }

  async #send(): Promise<void> {
    const paths = this.#paths
    this.#paths = []
    this.#characters = 0
    while (this.#open.size >= MAX_OPEN) await this.#waitForOne()
    await this.#create(paths)
  }

  async #create(paths: readonly string[]): Promise<void> {
    const { manager, signal } = this.#options
    signal.throwIfAborted()
    const handle = await manager.create(indexBatchTask, { paths: [...paths] })
    const ended = this.#settle(handle, paths).then(
      () => void this.#open.delete(handle),
      (reason: unknown) => void (this.#error ??= { reason }),
    )
    this.#open.set(handle, ended)
  }

  async #waitForOne(): Promise<void> {
    await Promise.race(this.#open.values())
    if (this.#error !== undefined) throw this.#error.reason
  }

  async #settle(handle: BatchHandle, paths: readonly string[]): Promise<void> {
    const { state } = await handle.wait({ signal: this.#options.signal })
    if (state === 'DONE') this.#add(await handle.result(), paths.length)
    else if (state === 'CANCELLED') throw new Fatal(`The batch ${handle.id} was cancelled`)
    else if (paths.length > 1) for (const path of paths) await this.#create([path])
    else this.#addCrash(paths[0]!, (await handle.errors()).at(-1)?.error.message ?? 'no reason is known')
  }

  #add(result: BatchResult, files: number): void {
    for (const key of ['added', 'replaced', 'unchanged', 'failed'] as const) this.counts[key] += result[key]
    this.#keepFailures(result.failures, result.failuresLeftOut)
    this.#tellDone(files)
  }

  /** A file that ends its batch is tried alone; when it ends that too, it is the one. */
  #addCrash(path: string, reason: string): void {
    this.addFailure({ path, code: 'Crashed', message: `Reading it failed again and again: ${reason.slice(0, 300)}` })
    this.#tellDone(1)
  }

  #tellDone(files: number): void {
    this.#done += files
    this.#options.onDone(this.#done)
  }

  #keepFailures(failures: readonly DocumentFailure[], leftOut: number): void {
    this.failureCount += failures.length + leftOut
    this.failures.push(...failures.slice(0, MAX_FAILURES - this.failures.length))
  }
}
