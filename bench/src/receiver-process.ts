import type { Job } from './job.ts'
import type { ReceiverMessage } from './receiver.ts'
import { millisecondsSince } from './subject.ts'
import { loadSubject } from './subjects.ts'

/** The worker's process in a latency bench. */
process.once('disconnect', () => process.exit(1))
const job = JSON.parse(process.argv[2] ?? '') as Job
const samples: number[] = []
let scheduled = false
const say = (message: ReceiverMessage): void => void process.send?.(message)

const open = await loadSubject(job.broker, job.subject)
const subject = await open({ url: job.url, namespace: job.namespace })
const worker = await subject.startWorker(job.concurrency ?? 1, ({ sentAt }) => {
  samples.push(sentAt === undefined ? NaN : millisecondsSince(sentAt))
  // A message per task would be a load of its own: one a tick is enough.
  if (!scheduled) schedule()
})
say({ received: 0 })

function schedule(): void {
  scheduled = true
  setImmediate(() => {
    scheduled = false
    say({ received: samples.length })
  })
}

process.on('message', (message) => {
  if (message === 'samples') say({ samples })
  else void end()
})

async function end(): Promise<void> {
  await worker.stop()
  await subject.close()
  process.exit(0)
}
