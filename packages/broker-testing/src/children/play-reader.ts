import type { Broker } from '@ds/core'
import { say } from './say.ts'
import type { ReaderRole } from './program-options.ts'

/** What a process finds that has just started, in milliseconds and MiB. */
export interface ReadFigures {
  /** From the start of `connect` to the first answers of `counts` and `list`. */
  readonly startMs: number
  /** What the process takes beyond what it took before it connected. */
  readonly memoryMiB: number
  /** Tasks that it counts as DONE. */
  readonly done: number
  /** Median of a page of 100. */
  readonly listMs: number
  /** Median of one task, chosen from all over the pages that were read. */
  readonly getMs: number
}

/** Connects, reads, and prints `read` and the figures as JSON. */
export async function playReader(broker: Broker, { samples }: ReaderRole): Promise<void> {
  const before = process.memoryUsage.rss()
  const started = performance.now()
  await broker.connect({ timeout: 120_000 })
  const { DONE: done } = await broker.counts()
  let page = await broker.list({ limit: 100 })
  const startMs = performance.now() - started
  const memoryMiB = (process.memoryUsage.rss() - before) / 2 ** 20
  const [lists, gets]: [number[], number[]] = [[], []]
  for (let sample = 0; sample < samples; sample += 1) {
    const { cursor } = page
    lists.push(await timed(async () => (page = await broker.list({ limit: 100, ...(cursor && { cursor }) }))))
    const task = page.tasks[sample % page.tasks.length]
    if (task) gets.push(await timed(() => broker.get([task.id])))
  }
  const figures: ReadFigures = {
    startMs: Math.round(startMs),
    memoryMiB: Math.round(memoryMiB),
    done,
    listMs: median(lists),
    getMs: median(gets),
  }
  say('read', JSON.stringify(figures))
  await broker.close()
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await call()
  return performance.now() - started
}

function median(values: number[]): number {
  const middle = values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  return Math.round(middle * 1000) / 1000
}
