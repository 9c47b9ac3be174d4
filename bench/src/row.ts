/** One figure, as `--json` writes it. */
export interface Row {
  readonly bench: string
  readonly broker: string
  readonly subject: string
  readonly concurrency?: number
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly min: number
  readonly max: number
  readonly versions: Readonly<Record<string, string>>
}

/** What one measurement gives: a value per metric. */
export interface Measurement {
  readonly metric: string
  readonly value: number
  readonly unit: string
}

/** The median, and how far the repeats lie apart. */
export function summarize(values: readonly number[]): { value: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  const value = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
  return { value, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN }
}

/** The value below which this share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** p50, p90, p99 and the maximum of latencies in milliseconds. */
export function latencies(samples: readonly number[]): Measurement[] {
  const points: [string, number][] = [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
    ['max', 1],
  ]
  return points.map(([metric, share]) => ({ metric, value: quantile(samples, share), unit: 'ms' }))
}
