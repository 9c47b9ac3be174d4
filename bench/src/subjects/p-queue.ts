import PQueue from 'p-queue'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject } from '../subject.ts'

/** Promises in memory with a limit on how many run: no state, no results, no events. */
export async function openPQueue(): Promise<Subject> {
  let handler: (args: BenchArgs) => void = () => undefined
  const queue = new PQueue({ concurrency: 1, autoStart: false })
  const add = (args: BenchArgs): void => void queue.add(async () => handler(args))
  return {
    versions: { 'p-queue': await versionOf('p-queue') },
    async submit(args: BenchArgs): Promise<void> {
      add(args)
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      for (const args of many) add(args)
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      handler = onStart
      queue.concurrency = concurrency
      queue.start()
      return { stop: () => Promise.resolve(queue.pause()) }
    },
    pending: () => Promise.resolve(queue.size + queue.pending),
    close: () => Promise.resolve(queue.clear()),
  }
}
