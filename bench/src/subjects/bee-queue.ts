import BeeQueue from 'bee-queue'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

/** bee-queue with its defaults: finished jobs are kept; results live only in an event. */
export async function openBeeQueue({ url, namespace }: SubjectOptions): Promise<Subject> {
  const redis = { url }
  const queue = new BeeQueue<BenchArgs>(namespace, { redis, isWorker: false, getEvents: false })
  await queue.ready()
  return {
    versions: { 'bee-queue': await versionOf('bee-queue') },
    async submit(args: BenchArgs): Promise<void> {
      await queue.createJob(args).save()
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await queue.saveAll(many.map((args) => queue.createJob(args)))
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      const worker = new BeeQueue<BenchArgs>(namespace, { redis, getEvents: false })
      await worker.ready()
      worker.process(concurrency, async ({ data }) => onStart(data))
      return { stop: () => worker.close(5000) }
    },
    async pending(): Promise<number> {
      const { waiting, active } = await queue.checkHealth()
      return waiting + active
    },
    close: () => queue.close(1000),
  }
}
