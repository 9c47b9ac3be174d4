import { setTimeout as sleep } from 'node:timers/promises'
import { benchArgs, millisecondsSince } from '../subject.ts'
import type { Subject } from '../subject.ts'
import { latencies } from '../row.ts'
import type { Measurement } from '../row.ts'

const WARM_UP = 100

/** B5: from the call of submit to the entry of the handler, one task at a time on an idle system. */
export async function idleLatency(sender: Subject, receiver: Receiver, samples: number): Promise<Measurement[]> {
  for (let n = 0; n < WARM_UP + samples; n += 1) {
    await sender.submit(benchArgs(n, process.hrtime.bigint()))
    await receiver.untilReceived(n + 1)
    // Uneven pauses, so that no timer of either side can keep step.
    await sleep(1 + Math.random() * 3)
  }
  return latencies((await receiver.samples()).slice(WARM_UP))
}

/** B6: under an even load, from the time a task was meant to be sent. */
export async function loadedLatency(
  sender: Subject,
  receiver: Receiver,
  load: { rate: number; duration: number },
): Promise<Measurement[]> {
  const total = Math.floor((load.rate * load.duration) / 1000)
  const startedAt = process.hrtime.bigint()
  const pending: Promise<void>[] = []
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, Math.floor((Number(process.hrtime.bigint() - startedAt) / 1e9) * load.rate))
    for (; sent < due; sent += 1) {
      const intended = startedAt + BigInt(Math.floor((sent / load.rate) * 1e9))
      pending.push(sender.submit(benchArgs(sent, intended)))
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(pending)
  await receiver.untilReceived(total)
  const samples = await receiver.samples()
  return latencies(samples.slice(Math.floor(samples.length / 10)))
}

/** Where the handlers run: in this process or another. */
export interface Receiver {
  untilReceived(count: number): Promise<void>
  samples(): Promise<readonly number[]>
  close(): Promise<void>
}

/** A worker in this process. */
export async function receiveHere(subject: Subject, concurrency: number): Promise<Receiver> {
  const samples: number[] = []
  let wake: () => void = () => undefined
  const worker = await subject.startWorker(concurrency, ({ sentAt }) => {
    samples.push(sentAt === undefined ? NaN : millisecondsSince(sentAt))
    wake()
  })
  return {
    async untilReceived(count: number): Promise<void> {
      while (samples.length < count) await new Promise<void>((resolve) => (wake = resolve))
    },
    samples: () => Promise.resolve(samples),
    close: () => worker.stop(),
  }
}
