import { drainAndRead, stockUp } from './benches/beside-stored.ts'
import { drain, submitAndRun } from './benches/drain.ts'
import { heapGrowth } from './benches/heap.ts'
import { idleLatency, loadedLatency, receiveHere } from './benches/latency.ts'
import type { Receiver } from './benches/latency.ts'
import { submitInBatches, submitInFlight } from './benches/submit.ts'
import type { Job, JobAnswer } from './job.ts'
import { receiveInChild } from './receiver.ts'
import type { Measurement } from './row.ts'
import { loadSubject } from './subjects.ts'
import type { Subject } from './subject.ts'

/** The process of one measurement: takes its job as an argument, answers by message, and does not outlive who asked. */
process.once('disconnect', () => process.exit(1))
const job = JSON.parse(process.argv[2] ?? '') as Job
const answer = await measure(job)
process.send?.(answer, () => process.exit(0))

async function measure(job: Job): Promise<JobAnswer> {
  if (job.bench === 'heap') return { measurements: await heapGrowth(job.namespace), versions: {} }
  const open = await loadSubject(job.broker, job.subject)
  const subject = await open({ url: job.url, namespace: job.namespace })
  const measurements = await run(job, subject)
  await subject.close()
  return { measurements, versions: subject.versions }
}

async function run(job: Job, subject: Subject): Promise<Measurement[]> {
  const { bench, size, concurrency = 1, rate = 0 } = job
  switch (bench) {
    case 'B1':
    case 'B2':
      return submitInFlight(subject, size, concurrency)
    case 'B3':
      return submitInBatches(subject, size)
    case 'B4':
      return drain(subject, size, concurrency)
    case 'B5':
      return withReceiver(job, subject, (receiver) => idleLatency(subject, receiver, size))
    case 'B6':
      return withReceiver(job, subject, (receiver) => loadedLatency(subject, receiver, { rate, duration: size }))
    case 'B7':
      return submitAndRun(subject, size, concurrency)
    case 'B8':
      return drainAndRead(subject, job, { size, concurrency })
    case 'stock':
      return stockUp(subject, size)
    case 'heap':
      return []
  }
}

/** In memory sender and worker share a process; on servers the worker has one of its own. */
async function withReceiver(
  job: Job,
  subject: Subject,
  bench: (receiver: Receiver) => Promise<Measurement[]>,
): Promise<Measurement[]> {
  const concurrency = job.concurrency ?? 1
  const receiver =
    job.broker === 'memory' ? await receiveHere(subject, concurrency) : await receiveInChild(job, concurrency)
  try {
    return await bench(receiver)
  } finally {
    await receiver.close()
  }
}
