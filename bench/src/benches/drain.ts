import { setTimeout as sleep } from 'node:timers/promises'
import { fill, rate, warmUpOf } from './submit.ts'
import { benchArgs } from '../subject.ts'
import type { Subject } from '../subject.ts'
import type { Measurement } from '../row.ts'

/** B4: queued no-op tasks, each started, settled and its result stored. The clock stops when nothing is pending. */
export async function drain(subject: Subject, count: number, concurrency: number): Promise<Measurement[]> {
  const warmUp = warmUpOf(count)
  await fill(subject, warmUp + count)
  let started = 0
  let startedAt = NaN
  const worker = await subject.startWorker(concurrency, () => {
    started += 1
    if (started === warmUp) startedAt = performance.now()
  })
  const endedAt = await untilEmpty(subject, () => started >= warmUp + count)
  await worker.stop()
  return [rate(count, startedAt, endedAt)]
}

/** B7: submit and run together, with 64 submits under way, for so long. Counts what was both submitted and run. */
export async function submitAndRun(subject: Subject, duration: number, concurrency: number): Promise<Measurement[]> {
  let started = 0
  const worker = await subject.startWorker(concurrency, () => (started += 1))
  let going = true
  let submitted = 0
  const lane = async (): Promise<void> => {
    while (going) {
      submitted += 1
      await subject.submit(benchArgs(submitted))
      // Peers in memory accept at once: without a pause nothing else would ever run.
      if (submitted % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const submitting = Promise.all(Array.from({ length: 64 }, lane))
  await sleep(duration / 10)
  const [countBefore, startedAt] = [started, performance.now()]
  await sleep(duration)
  const [count, endedAt] = [started - countBefore, performance.now()]
  going = false
  await submitting
  await untilEmpty(subject, () => started >= submitted)
  await worker.stop()
  return [rate(count, startedAt, endedAt)]
}

/** When the subject first showed nothing pending. It is asked only once all handlers have started, so that asking costs nothing before. */
async function untilEmpty(subject: Subject, allStarted: () => boolean): Promise<number> {
  const deadline = performance.now() + 300_000
  while (!allStarted()) {
    if (performance.now() > deadline) throw new Error('The queue was not drained within five minutes')
    await sleep(1)
  }
  while ((await subject.pending()) > 0) {
    if (performance.now() > deadline) throw new Error('Tasks were still pending after five minutes')
  }
  return performance.now()
}
