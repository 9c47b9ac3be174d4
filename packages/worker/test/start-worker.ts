import { createMemoryBroker, createTaskManager } from '@ds/core'
import type { App, MemoryBroker, Task, TaskManager } from '@ds/core'
import { onTestFinished } from 'vitest'
import { Worker } from '../src/index.ts'
import type { WorkerOptions } from '../src/index.ts'
import { collectingLogger } from './collecting-logger.ts'
import type { CollectedLine } from './collecting-logger.ts'

export interface StartedWorker {
  readonly broker: MemoryBroker
  readonly manager: TaskManager
  readonly worker: Worker
  /** Settles when the worker has ended. */
  readonly running: Promise<void>
  readonly lines: CollectedLine[]
  /** Waits for the end of a task. */
  finished(id: string): Promise<Task>
}

/** A worker that runs, over a memory broker of its own unless one is given; both end with the test. */
export async function startWorker(
  app: App | string,
  { broker = createMemoryBroker(), ...options }: Omit<WorkerOptions, 'broker'> & { broker?: MemoryBroker } = {},
  { waits = true }: { waits?: boolean } = {},
): Promise<StartedWorker> {
  const { logger, lines } = collectingLogger()
  const worker = new Worker({ app, broker, logger, drain: 0, shutdownGrace: 200, progressInterval: 20, ...options })
  const running = worker.run()
  // A test that waits for its end hears of a failure; the others hear of it here.
  running.catch(() => undefined)
  if (waits) await Promise.race([running.catch(() => undefined), worker.ready])
  const manager = createTaskManager(broker, worker.app ? { app: worker.app } : {})
  onTestFinished(async () => {
    await worker.stop()
    await manager.close()
    await broker.close()
  })
  const finished = (id: string): Promise<Task> => manager.task(id).wait({ timeout: '20s' })
  return { broker, manager, worker, running, lines, finished }
}
