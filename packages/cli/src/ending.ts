import type { Task, TaskHandle } from '@ds/core'
import { EXIT } from './exit-codes.ts'
import type { Output } from './output.ts'
import { ProgressBar } from './progress-bar.ts'

/** Follows a task to its end with a progress bar, or with `--json` with a line per event. */
export async function follow(task: TaskHandle, output: Output, describe: (event: object) => string): Promise<Task> {
  const bar = new ProgressBar(output.stderr)
  try {
    for await (const event of task.watch()) {
      if (output.json) output.line(describe(event))
      else bar.update(event)
    }
  } finally {
    bar.end()
  }
  return task.get()
}

/** Says why a task that ended has no result, and the exit code for it. */
export async function explainEnd(task: Task, handle: TaskHandle, output: Output): Promise<number> {
  if (task.state === 'DONE') return EXIT.done
  if (task.state === 'CANCELLED') {
    output.note(`ds: task ${task.id} (${task.name}) was cancelled`)
    return EXIT.failed
  }
  const last = (await handle.errors()).at(-1)?.error
  // The user's own file, where the error was thrown by something of Node's.
  const frame = last?.stacktrace.find(({ file }) => !file.startsWith('node:'))
  const where = frame ? ` at ${frame.file}:${frame.lineno}` : ''
  const what = last ? `${last.name}: ${last.message.split('\n')[0] ?? ''}${where}` : 'its errors are no longer kept'
  output.note(`ds: task ${task.id} (${task.name}) failed in attempt ${task.attempt}: ${what}`)
  return EXIT.failed
}
