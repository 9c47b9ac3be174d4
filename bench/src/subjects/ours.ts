import { connect, createApp, defineTask, loadConfig, openBroker } from '@ds/core'
import type { BrokerSettings } from '@ds/core'
import { Worker } from '@ds/worker'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const NAME = 'noop'

/** This SDK, with the default options of its brokers: state, result and events are all kept. */
export async function openOurs({ url, namespace }: SubjectOptions): Promise<Subject> {
  const broker = url === 'memory:' ? `memory:${namespace}` : url
  let onStart: (args: BenchArgs) => void = () => undefined
  const noop = defineTask(NAME, (args: BenchArgs) => onStart(args))
  const app = createApp('bench', [noop])
  const manager = await connect({ app, broker, namespace })
  const watching = new AbortController()
  // In memory events exist only for who listens; servers keep them in any case.
  if (url === 'memory:') await countEvents(await loadConfig({ broker, namespace }), watching.signal)
  return {
    versions: { '@ds/core': await versionOf('@ds/core') },
    async submit(args: BenchArgs): Promise<void> {
      await manager.create(NAME, args)
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await manager.create(many.map((args) => ({ name: NAME, args })))
    },
    async startWorker(concurrency: number, handler: (args: BenchArgs) => void): Promise<RunningWorker> {
      onStart = handler
      const worker = new Worker({ app, broker, namespace, concurrency })
      const running = worker.run()
      return {
        async stop(): Promise<void> {
          await worker.stop()
          await running
        },
      }
    },
    async pending(): Promise<number> {
      const { QUEUED, RUNNING } = await manager.counts()
      return QUEUED + RUNNING
    },
    async close(): Promise<void> {
      watching.abort()
      await manager.close()
    },
  }
}

/** A subscriber that takes every event and holds none. */
async function countEvents(settings: BrokerSettings, signal: AbortSignal): Promise<void> {
  const broker = await openBroker(settings)
  const events = await broker.subscribe({}, { signal })
  const counting = (async () => {
    let count = 0
    for await (const _event of events) count += 1
    return count
  })()
  void counting.finally(() => broker.close())
}
