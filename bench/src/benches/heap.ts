import { connect, createApp, defineTask } from '@ds/core'
import { Worker } from '@ds/worker'
import { benchArgs } from '../subject.ts'
import type { Measurement } from '../row.ts'

const ROUND = 10_000
const FIRST = 200_000
const LAST = 1_000_000

/** B7 in memory: the heap after a million finished tasks of which a thousand are kept, beside that after 200,000. */
export async function heapGrowth(namespace: string): Promise<Measurement[]> {
  const broker = `memory:${namespace}`
  const retention = { count: 1000 }
  const app = createApp('heap', [defineTask('noop', () => null)])
  const manager = await connect({ app, broker, namespace, retention })
  const worker = new Worker({ app, broker, namespace, retention, concurrency: 100 })
  const running = worker.run()
  const heaps: number[] = []
  for (let done = 0; done < LAST; done += ROUND) {
    const handles = await manager.create(
      Array.from({ length: ROUND }, (_, n) => ({ name: 'noop' as const, args: benchArgs(n) })),
    )
    await handles.at(-1)?.wait()
    while ((await manager.counts()).QUEUED > 0) await new Promise((resolve) => setImmediate(resolve))
    if (done + ROUND === FIRST || done + ROUND === LAST) heaps.push(heapInUse())
  }
  await manager.close()
  await worker.stop()
  await running
  const [first = NaN, last = NaN] = heaps
  return [
    { metric: 'heap after 200,000', value: first, unit: 'MB' },
    { metric: 'heap after 1,000,000', value: last, unit: 'MB' },
    { metric: 'heap growth', value: last - first, unit: 'MB' },
  ]
}

function heapInUse(): number {
  if (!globalThis.gc) throw new Error('The heap is measured with node --expose-gc')
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed / 1e6
}
