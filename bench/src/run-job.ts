import { fork } from 'node:child_process'
import type { Job, JobAnswer } from './job.ts'

/** Runs one measurement in a process of its own. */
export function runJob(job: Job): Promise<JobAnswer> {
  const child = fork(new URL('./measure.ts', import.meta.url), [JSON.stringify(job)], {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    env: { ...process.env, DS_LOG_LEVEL: 'error' },
  })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as JobAnswer))
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(
        new Error(
          `${job.subject} on ${job.broker}, ${job.bench}: the measuring process ended with ${signal ?? code} and no figure`,
        ),
      ),
    )
  })
}
