import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Receiver } from './benches/latency.ts'
import type { Job } from './job.ts'

/** What the receiving process says: how many tasks it got, or all its samples. */
export type ReceiverMessage = { readonly received: number } | { readonly samples: readonly number[] }

/** A worker of the same subject in another process. */
export async function receiveInChild(job: Job, concurrency: number): Promise<Receiver> {
  const child = fork(new URL('./receiver-process.ts', import.meta.url), [JSON.stringify({ ...job, concurrency })])
  let received = -1
  let samples: readonly number[] | undefined
  let wake: () => void = () => undefined
  child.on('message', (message: ReceiverMessage) => {
    if ('received' in message) received = message.received
    else samples = message.samples
    wake()
  })
  const until = async (met: () => boolean): Promise<void> => {
    while (!met()) {
      if (child.exitCode !== null) throw new Error(`The receiving process ended with code ${child.exitCode}`)
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  child.on('exit', () => wake())
  await until(() => received >= 0)
  return {
    untilReceived: (count) => until(() => received >= count),
    async samples(): Promise<readonly number[]> {
      child.send('samples')
      await until(() => samples !== undefined)
      return samples ?? []
    },
    async close(): Promise<void> {
      if (child.exitCode !== null) return
      child.send('end')
      await once(child, 'exit')
    },
  }
}
