import { randomBytes } from 'node:crypto'
import type { BenchOptions } from './options.ts'
import { summarize } from './row.ts'
import type { Measurement, Row } from './row.ts'
import { runJob } from './run-job.ts'
import { startServer } from './servers.ts'
import type { BenchServer } from './servers.ts'

/** A repeat that would change what is stored by more than this share of it gets a server of its own. */
const NEGLIGIBLE = 0.1
const CONCURRENCY = 100

/** A server on which so many finished tasks are kept. */
interface Stock {
  readonly stored: number
  readonly server: BenchServer
  readonly namespace: string
}

interface Found {
  readonly metric: string
  readonly unit: string
  readonly values: number[]
}

/** What is measured, and where progress is told. */
export interface GrowthRun {
  readonly broker: string
  readonly options: BenchOptions
  readonly progress: (text: string) => void
}

/**
 * B8: the drain of B4, and reads, beside few and beside many finished tasks that are kept. The stocks take turns; each is on a server of its
 * own, so that many tasks of one do not weigh on the other.
 */
export async function measureGrowth(run: GrowthRun): Promise<Row[]> {
  const { quick, repeats } = run.options
  const size = quick ? 5000 : 50_000
  const stocks = quick ? [1000, 20_000] : [1000, 100_000, 1_000_000]
  const kept = new Map<number, Stock>()
  const found = new Map<number, Found[]>()
  let versions: Readonly<Record<string, string>> = {}
  try {
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      for (const stored of stocks) {
        run.progress(`B8 beside ${stored.toLocaleString('en-US')} stored ${repeat}/${repeats}`)
        const stock = kept.get(stored) ?? (await stockUp(run.broker, stored))
        kept.set(stored, stock)
        const measured = await measureBeside(run.broker, stock, size)
        versions = measured.versions
        add(found, stored, measured.measurements)
        if (size > stored * NEGLIGIBLE) await discard(kept, stock)
      }
    }
  } finally {
    for (const stock of kept.values()) await discard(kept, stock)
    run.progress('')
  }
  return rowsOf(run.broker, found, versions)
}

async function stockUp(broker: string, stored: number): Promise<Stock> {
  const server = await startServer(broker)
  const namespace = `bench-${randomBytes(6).toString('hex')}`
  await runJob({ bench: 'stock', broker, subject: 'ours', url: server.url, namespace, size: stored })
  return { stored, server, namespace }
}

async function discard(kept: Map<number, Stock>, { stored, server }: Stock): Promise<void> {
  kept.delete(stored)
  await server.close()
}

async function measureBeside(
  broker: string,
  { server, namespace }: Stock,
  size: number,
): Promise<{ measurements: readonly Measurement[]; versions: Readonly<Record<string, string>> }> {
  await server.calm?.()
  const before = await server.commands?.()
  const job = {
    bench: 'B8',
    broker,
    subject: 'ours',
    url: server.url,
    namespace,
    size,
    concurrency: CONCURRENCY,
  } as const
  const { measurements, versions } = await runJob(job)
  const after = await server.commands?.()
  const commands =
    before === undefined || after === undefined
      ? []
      : [{ metric: 'commands', value: (after - before) / size, unit: 'a task' }]
  return { measurements: [...measurements, ...commands], versions }
}

function add(found: Map<number, Found[]>, stored: number, measurements: readonly Measurement[]): void {
  const known = found.get(stored) ?? []
  found.set(stored, known)
  for (const { metric, unit, value } of measurements) {
    const same = known.find((one) => one.metric === metric)
    if (same) same.values.push(value)
    else known.push({ metric, unit, values: [value] })
  }
}

/** The figures of each stock, then how those of a larger one compare with those of the smallest. */
function rowsOf(
  broker: string,
  found: ReadonlyMap<number, readonly Found[]>,
  versions: Readonly<Record<string, string>>,
): Row[] {
  const base = { bench: 'B8', broker, subject: 'ours', versions: { node: process.versions.node, ...versions } }
  const [least] = found.keys()
  return [...found].flatMap(([stored, figures]) =>
    figures.flatMap(({ metric, unit, values }) => {
      const beside = `${metric} at ${stored.toLocaleString('en-US')}`
      const row = { ...base, ...(metric === 'rate' && { concurrency: CONCURRENCY }), metric: beside, unit }
      const summary = summarize(values)
      const first = stored === least ? undefined : found.get(least ?? 0)?.find((one) => one.metric === metric)
      if (!first) return [{ ...row, ...summary }]
      const share = summary.value / summarize(first.values).value
      return [
        { ...row, ...summary },
        { ...row, metric: `${beside}, share`, unit: `of that at ${least ?? 0}`, value: share, min: share, max: share },
      ]
    }),
  )
}
