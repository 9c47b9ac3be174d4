import { Worker } from 'node:worker_threads'

/** Milliseconds between two looks. */
const INTERVAL = 500

/** Runs beside the main thread, so that it ends this process even while a handler blocks that. */
const WATCH = `
const { workerData } = require('node:worker_threads')
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL')
}, workerData.interval)
`

/** Ends this process when the one that started it is gone, however that ended. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit(1))
  const watch = new Worker(WATCH, {
    eval: true,
    execArgv: [],
    workerData: { parent: process.ppid, interval: INTERVAL },
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 16, stackSizeMb: 1 },
  })
  watch.unref()
}
