import { connect } from '@ds/core'
import { drain } from './drain.ts'
import { quantile } from '../row.ts'
import type { Measurement } from '../row.ts'
import { fill } from './submit.ts'
import type { Subject } from '../subject.ts'

const GETS = 1000
const PAGES = 50
const COUNTS = 200

/** Submits and runs so many tasks, which are then kept as finished ones. */
export async function stockUp(subject: Subject, count: number): Promise<Measurement[]> {
  let started = 0
  const worker = await subject.startWorker(100, () => (started += 1))
  await fill(subject, count)
  while (started < count || (await subject.pending()) > 0) await new Promise((resolve) => setTimeout(resolve, 50))
  await worker.stop()
  return []
}

/** Where to read: the same server and namespace as the subject's. */
export interface Place {
  readonly url: string
  readonly namespace: string
}

/** B8: the drain of B4, then the time of single reads: `get` of tasks of all ages, a page of `list`, `counts`. */
export async function drainAndRead(
  subject: Subject,
  { url, namespace }: Place,
  { size, concurrency }: { size: number; concurrency: number },
): Promise<Measurement[]> {
  const rates = await drain(subject, size, concurrency)
  const manager = await connect({ broker: url, namespace })
  try {
    const ids: string[] = []
    const pages = await times(PAGES, nextPages(manager, ids))
    const gets = await times(GETS, () => manager.get(ids[Math.floor(Math.random() * ids.length)] ?? ''))
    const counts = await times(COUNTS, () => manager.counts())
    return [...rates, median('list p50', pages), median('get p50', gets), median('counts p50', counts)]
  } finally {
    await manager.close()
  }
}

type Manager = Awaited<ReturnType<typeof connect>>

/** Each call reads the next page, from the newest on. */
function nextPages(manager: Manager, ids: string[]): () => Promise<void> {
  let cursor: Awaited<ReturnType<Manager['list']>>['cursor']
  return async () => {
    const page = await manager.list({ limit: 100, ...(cursor && { cursor }) })
    cursor = page.cursor
    for (const { id } of page) ids.push(id)
  }
}

async function times(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let done = 0; done < count; done += 1) {
    const from = performance.now()
    await call()
    taken.push(performance.now() - from)
  }
  return taken
}

function median(metric: string, samples: readonly number[]): Measurement {
  return { metric, value: quantile(samples, 0.5), unit: 'ms' }
}
