import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

/** BullMQ with its defaults: finished jobs, results and events are kept. */
export async function openBullmq({ url, namespace }: SubjectOptions): Promise<Subject> {
  const connect = (): Redis => new Redis(url, { maxRetriesPerRequest: null })
  const connection = connect()
  const queue = new Queue<BenchArgs>(namespace, { connection })
  await queue.waitUntilReady()
  return {
    versions: { bullmq: await versionOf('bullmq') },
    async submit(args: BenchArgs): Promise<void> {
      await queue.add('noop', args)
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await queue.addBulk(many.map((data) => ({ name: 'noop', data })))
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      const own = connect()
      const worker = new Worker<BenchArgs>(namespace, async ({ data }) => onStart(data), {
        connection: own,
        concurrency,
      })
      await worker.waitUntilReady()
      return {
        async stop(): Promise<void> {
          await worker.close()
          own.disconnect()
        },
      }
    },
    async pending(): Promise<number> {
      const { waiting = 0, active = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'active', 'prioritized')
      return waiting + active + prioritized
    },
    async close(): Promise<void> {
      await queue.close()
      connection.disconnect()
    },
  }
}
