import type { Middleware, Outcome } from '@ds/core'
import type { EndedRun, ObservedRun, WorkerObserver } from '../observer.ts'

/** What was counted of the tasks of one name. */
export interface TaskMetrics {
  readonly name: string
  readonly group: string
  /** Runs that were started; a retry is one more. */
  readonly started: number
  /** Runs that have not ended yet. */
  readonly running: number
  /** How runs ended: `done`, `retry`, `error`, `cancelled`, `released`, `lost`. */
  readonly ended: Readonly<Partial<Record<Outcome['type'], number>>>
  /** Of runs that ended, in seconds. */
  readonly duration: DurationMetrics
}

/** A histogram of how long runs took. */
export interface DurationMetrics {
  /** Runs that ended. */
  readonly count: number
  /** Seconds that all of them took together. */
  readonly sum: number
  /** Runs that took at most `upTo` seconds; each bucket counts those below it, too. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[]
}

/** Options of {@link metrics}. */
export interface MetricsOptions {
  /** Bounds of the duration histogram, in seconds, ascending. Default: 5 ms to an hour. */
  readonly buckets?: readonly number[]
}

/** What {@link metrics} makes: middleware that counts, and two ways to read what it counted. */
export interface Metrics extends Middleware, WorkerObserver {
  /** What was counted so far, by name. */
  snapshot(): TaskMetrics[]
  /** The same in the text format that Prometheus reads. */
  prometheus(): string
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 5, 30, 60, 300, 1800, 3600]

/**
 * Counts what the workers of this process run, in threads and processes too.
 * @example
 * const measured = metrics()
 * app.use(measured)
 * // wherever metrics are scraped: measured.prometheus()
 */
export function metrics(options: MetricsOptions = {}): Metrics {
  return new Measures(options.buckets ?? BUCKETS)
}

interface Counted {
  readonly name: string
  readonly group: string
  started: number
  running: number
  readonly ended: Partial<Record<Outcome['type'], number>>
  sum: number
  /** Runs in each bucket alone; the last one has no upper bound. */
  readonly buckets: number[]
}

class Measures implements Metrics {
  readonly name = 'metrics'
  readonly #bounds: readonly number[]
  readonly #counted = new Map<string, Counted>()

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
  }

  taskStarted(run: ObservedRun): void {
    const counted = this.#of(run)
    counted.started += 1
    counted.running += 1
  }

  taskEnded(run: EndedRun): void {
    const counted = this.#of(run)
    const seconds = run.duration / 1000
    counted.running -= 1
    counted.ended[run.outcome.type] = (counted.ended[run.outcome.type] ?? 0) + 1
    counted.sum += seconds
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound)
    const index = bucket === -1 ? this.#bounds.length : bucket
    counted.buckets[index] = (counted.buckets[index] ?? 0) + 1
  }

  snapshot(): TaskMetrics[] {
    return [...this.#counted.values()].map((counted) => this.#metricsOf(counted))
  }

  prometheus(): string {
    return prometheusText(this.snapshot())
  }

  #of({ task }: ObservedRun): Counted {
    const key = `${task.group} ${task.name}`
    const known = this.#counted.get(key)
    if (known) return known
    const buckets = Array.from({ length: this.#bounds.length + 1 }, () => 0)
    const counted: Counted = { name: task.name, group: task.group, started: 0, running: 0, ended: {}, sum: 0, buckets }
    this.#counted.set(key, counted)
    return counted
  }

  #metricsOf({ buckets, sum, ...counted }: Counted): TaskMetrics {
    let count = 0
    const upTo = this.#bounds.map((bound, index) => {
      count += buckets[index] ?? 0
      return { upTo: bound, count }
    })
    count += buckets.at(-1) ?? 0
    return { ...counted, ended: { ...counted.ended }, duration: { count, sum, buckets: upTo } }
  }
}

function prometheusText(tasks: readonly TaskMetrics[]): string {
  return [
    ...family('ds_tasks_started_total', 'counter', 'Runs of tasks that were started.'),
    ...tasks.map((task) => `ds_tasks_started_total${labels(task)} ${task.started}`),
    ...family('ds_tasks_ended_total', 'counter', 'Runs of tasks that ended, by outcome.'),
    ...tasks.flatMap((task) =>
      Object.entries(task.ended).map(([outcome, count]) => `ds_tasks_ended_total${labels(task, { outcome })} ${count}`),
    ),
    ...family('ds_tasks_running', 'gauge', 'Tasks that run now.'),
    ...tasks.map((task) => `ds_tasks_running${labels(task)} ${task.running}`),
    ...family('ds_task_duration_seconds', 'histogram', 'Time from claim to outcome.'),
    ...tasks.flatMap(histogramLines),
    '',
  ].join('\n')
}

function histogramLines(task: TaskMetrics): string[] {
  const { buckets, count, sum } = task.duration
  const name = 'ds_task_duration_seconds'
  return [
    ...buckets.map((bucket) => `${name}_bucket${labels(task, { le: String(bucket.upTo) })} ${bucket.count}`),
    `${name}_bucket${labels(task, { le: '+Inf' })} ${count}`,
    `${name}_sum${labels(task)} ${sum}`,
    `${name}_count${labels(task)} ${count}`,
  ]
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function labels({ name, group }: TaskMetrics, more: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries({ task: name, group, ...more }).map(([key, value]) => `${key}="${escaped(value)}"`)
  return `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
