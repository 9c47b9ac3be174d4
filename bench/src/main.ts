import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { measureGrowth } from './growth.ts'
import type { Job } from './job.ts'
import { readOptions, USAGE } from './options.ts'
import type { BenchOptions } from './options.ts'
import { planOf } from './plan.ts'
import type { Step } from './plan.ts'
import { runJob } from './run-job.ts'
import { summarize } from './row.ts'
import type { Row } from './row.ts'
import { startServer } from './servers.ts'
import type { BenchServer } from './servers.ts'
import { headOf, tableLine } from './table.ts'
import { machine } from './versions.ts'

try {
  await main(readOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\nUsage: ${USAGE}\n`)
  process.exitCode = 2
}

async function main(options: BenchOptions): Promise<void> {
  const rows: Row[] = []
  for (const broker of options.brokers) {
    const server = await startServer(broker)
    try {
      print(`\n${broker}: ${server.description}. ${machine()}, ${options.repeats} repeats, payload 256 B`)
      if (server.compiles) await warmUp({ broker, server, options })
      print(headOf())
      for (const step of planOf(broker, options)) rows.push(...(await runStep({ broker, server, step, options, rows })))
    } finally {
      await server.close()
    }
    if (options.only.includes('B8')) rows.push(...(await runGrowth(broker, options)))
  }
  if (options.json === undefined) return
  const file = path.resolve(process.env['INIT_CWD'] ?? process.cwd(), options.json)
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  print(`\nrows written to ${file}`)
}

interface Run {
  readonly broker: string
  readonly server: BenchServer
  readonly step: Step
  readonly options: BenchOptions
  /** What was measured so far: B6 takes its load from B4. */
  readonly rows: readonly Row[]
}

/** Each subject submits once before anything is measured, so that none of them meets a server that is slower for it. */
async function warmUp({ broker, server, options }: Omit<Run, 'step' | 'rows'>): Promise<void> {
  const step = planOf(broker, { ...options, only: ['B2'] })[0]
  for (const subject of step?.subjects ?? []) {
    progress(`warming up: ${subject}`)
    const job = step && jobOf({ broker, server, step, options, rows: [] }, subject)
    if (job) await runJob(job)
  }
}

/** B8 is measured where it is asked for by name: it takes minutes to store a million tasks. */
async function runGrowth(broker: string, options: BenchOptions): Promise<Row[]> {
  const rows = await measureGrowth({ broker, options, progress })
  for (const row of rows) print(tableLine(row, rows))
  return rows
}

/** All repeats of a step, the subjects taking turns, so that a machine whose speed drifts treats them alike. */
async function runStep(run: Run): Promise<Row[]> {
  const found = new Map<string, { values: number[]; row: Omit<Row, 'value' | 'min' | 'max'> }>()
  for (let repeat = 1; repeat <= run.options.repeats; repeat += 1) {
    for (const subject of run.step.subjects) {
      const job = jobOf(run, subject)
      if (!job) continue
      progress(`${job.bench} ${subject} ${job.concurrency ?? ''} ${repeat}/${run.options.repeats}`)
      await run.server.clear?.()
      const { measurements, versions } = await runJob(job)
      for (const { metric, value, unit } of measurements)
        collect(found, { value, row: rowOf(job, { metric, unit, versions, step: run.step }) })
    }
  }
  progress('')
  const rows = [...found.values()].map(({ values, row }) => ({ ...row, ...summarize(values) }))
  for (const row of rows) print(tableLine(row, rows))
  return rows
}

type RowHead = Omit<Row, 'value' | 'min' | 'max'>

function collect(
  found: Map<string, { values: number[]; row: RowHead }>,
  { value, row }: { value: number; row: RowHead },
): void {
  const key = `${row.subject} ${row.metric}`
  const known = found.get(key)
  if (known) known.values.push(value)
  else found.set(key, { values: [value], row })
}

function rowOf(job: Job, more: Pick<Row, 'metric' | 'unit' | 'versions'> & { step: Step }): RowHead {
  const { step, metric, unit, versions } = more
  return {
    bench: job.bench === 'heap' ? 'B7' : job.bench,
    broker: job.broker,
    subject: job.subject,
    ...(job.concurrency !== undefined && { concurrency: job.concurrency }),
    metric: step.load === undefined ? metric : `${metric} at ${step.load} %`,
    unit,
    versions: { node: process.versions.node, ...versions },
  }
}

/** The job of a subject; none for B6 where B4 was not measured, for its load is a share of that. */
function jobOf({ broker, server, step, rows }: Run, subject: string): Job | undefined {
  const { bench, size, concurrency, load } = step
  const namespace = `bench-${randomBytes(6).toString('hex')}`
  const base = {
    bench,
    broker,
    subject,
    url: server.url,
    namespace,
    size,
    ...(concurrency !== undefined && { concurrency }),
  }
  if (load === undefined) return base
  const drained = rows.find((row) => row.bench === 'B4' && row.subject === subject && row.concurrency === concurrency)
  return drained && { ...base, rate: (drained.value * load) / 100 }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}
