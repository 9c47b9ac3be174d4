import { promise } from 'fastq'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject } from '../subject.ts'

/** A queue of calls in memory: no state, no results, no events. */
export async function openFastq(): Promise<Subject> {
  let handler: (args: BenchArgs) => void = () => undefined
  const queue = promise<unknown, BenchArgs, void>(async (args) => handler(args), 1)
  queue.pause()
  return {
    versions: { fastq: await versionOf('fastq') },
    async submit(args: BenchArgs): Promise<void> {
      void queue.push(args)
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      for (const args of many) void queue.push(args)
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      handler = onStart
      queue.concurrency = concurrency
      queue.resume()
      return { stop: () => Promise.resolve(queue.pause()) }
    },
    pending: () => Promise.resolve(queue.length() + queue.running()),
    close: () => Promise.resolve(queue.kill()),
  }
}
