import type { Progress } from '@ds/core'

/** Where progress goes. */
export interface ProgressSink {
  /** Only ever called with a value from 0 to 1 that is greater than the one before. */
  report(fraction: number): void
  /** Sends what was reported last now, and not with the next renewal. */
  flush(): void
}

interface ProgressState {
  value: number
  readonly sink: ProgressSink
}

/** The progress function a handler gets, with its helpers, over a sink that sees clamped and growing values only. */
export function createProgress(sink: ProgressSink): Progress {
  const state: ProgressState = { value: 0, sink }
  const progress = (fraction: number): void => advance(state, fraction)
  return Object.assign(progress, {
    of: (total: number) => counted(progress, total),
    scaled: (from: number, to: number) => scaled(state, from, to),
    weighted: (...weights: readonly number[]) => weighted(state, weights),
    over: <Item>(items: readonly Item[]) => over(progress, items),
    flush: () => sink.flush(),
  })
}

function advance(state: ProgressState, fraction: number): void {
  const clamped = Math.min(1, Math.max(0, fraction))
  // Not a number is not greater either.
  if (!(clamped > state.value)) return
  state.value = clamped
  state.sink.report(clamped)
}

function counted(progress: (fraction: number) => void, total: number): (count?: number) => void {
  checkNumber('progress.of', total)
  let done = 0
  return (count = 1) => {
    done += count
    progress(total === 0 ? 1 : done / total)
  }
}

function scaled(state: ProgressState, from: number, to: number): Progress {
  checkNumber('progress.scaled', from)
  checkNumber('progress.scaled', to)
  if (from > to || to > 1) {
    throw new RangeError(
      `progress.scaled(${from}, ${to}) is not a range. Give two numbers from 0 to 1, the lower first`,
    )
  }
  return createProgress({
    report: (fraction) => advance(state, from + (to - from) * fraction),
    flush: () => state.sink.flush(),
  })
}

function weighted(state: ProgressState, weights: readonly number[]): Progress[] {
  for (const weight of weights) checkNumber('progress.weighted', weight)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (sum === 0) throw new RangeError('progress.weighted needs at least one weight above 0')
  const parts = weights.map(() => 0)
  return weights.map((_weight, index) =>
    createProgress({
      report: (fraction) => {
        parts[index] = fraction
        advance(state, weights.reduce((total, weight, other) => total + weight * (parts[other] ?? 0), 0) / sum)
      },
      flush: () => state.sink.flush(),
    }),
  )
}

async function* over<Item>(
  progress: (fraction: number) => void,
  items: readonly Item[],
): AsyncGenerator<[item: Item, step: number], void> {
  if (items.length === 0) progress(1)
  for (const [index, item] of items.entries()) {
    yield [item, index + 1]
    progress((index + 1) / items.length)
  }
}

function checkNumber(what: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new RangeError(`${what} got ${String(value)}. Give a number of at least 0`)
  }
}
