import { benchArgs } from '../subject.ts'
import type { Subject } from '../subject.ts'
import type { Measurement } from '../row.ts'

const BATCH = 1000

/** B1: one at a time. */
export function submitOneByOne(subject: Subject, count: number): Promise<Measurement[]> {
  return submitInFlight(subject, count, 1)
}

/** B1 and B2: so many calls under way at any time. */
export async function submitInFlight(subject: Subject, count: number, inFlight: number): Promise<Measurement[]> {
  await lanes(subject, warmUpOf(count), inFlight)
  const startedAt = performance.now()
  await lanes(subject, count, inFlight)
  return [rate(count, startedAt)]
}

/** B3: batches of 1000, one after another. */
export async function submitInBatches(subject: Subject, count: number): Promise<Measurement[]> {
  await fill(subject, warmUpOf(count))
  const startedAt = performance.now()
  await fill(subject, count)
  return [rate(count, startedAt)]
}

/** Hands over so many tasks. */
export async function fill(subject: Subject, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from)
    await subject.submitMany(Array.from({ length: size }, (_, index) => benchArgs(from + index)))
  }
}

export function rate(count: number, startedAt: number, endedAt: number = performance.now()): Measurement {
  return { metric: 'rate', value: (count / (endedAt - startedAt)) * 1000, unit: 'tasks/s' }
}

/** A tenth more, before the clock starts and counted nowhere. */
export function warmUpOf(count: number): number {
  return Math.ceil(count / 10)
}

async function lanes(subject: Subject, count: number, inFlight: number): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await subject.submit(benchArgs(next))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}
