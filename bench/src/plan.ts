import type { BenchOptions } from './options.ts'
import type { BenchName } from './job.ts'
import { subjectsOf } from './subjects.ts'

/** A measurement to be repeated, for each subject in turn. */
export interface Step {
  readonly bench: BenchName
  readonly concurrency?: number
  readonly size: number
  readonly subjects: readonly string[]
  /** B6: the share of what B4 reached at this concurrency. */
  readonly load?: number
}

/** What is measured on a broker, in this order. */
export function planOf(broker: string, options: BenchOptions): Step[] {
  const subjects = options.peers ? subjectsOf(broker) : ['ours']
  const tasks = options.quick ? 5000 : 50_000
  const time = options.quick ? 1000 : 5000
  const steps: Step[] = [
    { bench: 'B1', concurrency: 1, size: options.quick ? 2000 : tasks, subjects },
    ...inFlight(broker).map((concurrency) => ({ bench: 'B2' as const, concurrency, size: tasks, subjects })),
    { bench: 'B3', size: tasks, subjects },
    ...[1, 10, 100].map((concurrency) => ({ bench: 'B4' as const, concurrency, size: tasks, subjects })),
    { bench: 'B5', concurrency: 1, size: options.quick ? 200 : 1000, subjects },
    ...[25, 50, 80].map((load) => ({ bench: 'B6' as const, concurrency: 100, size: time, subjects, load })),
    { bench: 'B7', concurrency: 100, size: time, subjects },
    ...(broker === 'memory' ? [{ bench: 'heap' as const, size: 0, subjects: ['ours'] }] : []),
  ]
  return steps.filter(
    ({ bench }) => options.only.length === 0 || options.only.includes(bench === 'heap' ? 'B7' : bench),
  )
}

/** A write to a log takes long and carries many: what it can do shows with more of them at once. */
function inFlight(broker: string): number[] {
  return broker === 'kafka' ? [64, 256] : [64]
}
