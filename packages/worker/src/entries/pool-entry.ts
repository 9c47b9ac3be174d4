import { endWithParent } from '../isolation/parent-watch.ts'
import { plainError } from '../isolation/protocol.ts'
import { createLogger } from '../logger.ts'
import type { FromPoolMember, ToPoolMember } from '../pool-member.ts'
import { Worker } from '../worker.ts'
import type { WorkerOptions } from '../worker-options.ts'

const STATUS_INTERVAL = 1000

endWithParent()
// A Ctrl-C reaches every process of a terminal: the pool says when to stop. A SIGTERM may be meant for this process alone.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => void worker?.stop())
process.on('message', (message: ToPoolMember) => {
  if (message.type === 'stop') void worker?.stop()
  else void runWorker(message.options)
})

let worker: Worker | undefined

async function runWorker(options: WorkerOptions): Promise<void> {
  // Lines of several processes come out mixed.
  const logger = createLogger().child({ pid: process.pid })
  worker = new Worker({ ...options, logger }, { quiet: true })
  const telling = setInterval(tellStatus, STATUS_INTERVAL)
  telling.unref()
  try {
    const running = worker.run()
    const started = await Promise.race([running, worker.ready])
    if (started) send({ type: 'ready', worker: started })
    await running
    process.exit(0)
  } catch (error) {
    process.send?.({ type: 'failed', error: plainError(error) }, undefined, undefined, () => process.exit(1))
  }
}

function tellStatus(): void {
  if (worker) send({ type: 'status', status: worker.status() })
}

function send(message: FromPoolMember): void {
  // What cannot be sent is not missed: the pool is gone, and this process ends with it.
  process.send?.(message, undefined, undefined, () => undefined)
}
