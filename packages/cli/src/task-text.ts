import { retriesLeft } from '@ds/core'
import type { AttemptError, Task } from '@ds/core'
import { seconds } from './progress-bar.ts'

/** Tasks as rows of a table, with a head. */
export function taskRows(tasks: readonly Task[]): string[] {
  const rows = tasks.map((task) => [
    task.id,
    task.name,
    task.group,
    task.state,
    `${Math.floor(task.progress * 100)} %`,
    isoTime(task.createdAt),
  ])
  return table([['ID', 'NAME', 'GROUP', 'STATE', 'DONE', 'CREATED'], ...rows])
}

/** Rows with their columns in line. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** All that is known of a task, a line a field. */
export function taskDetails(task: Task, args: unknown): string {
  const { startedAt, completedAt } = task
  const took = startedAt !== undefined && completedAt !== undefined ? ` (ran ${seconds(completedAt - startedAt)})` : ''
  const lines: [string, string | undefined][] = [
    ['id', task.id],
    ['name', task.name],
    ['group', task.group],
    ['parent', task.parentId],
    ['state', `${task.state}${task.cancelRequested ? ', cancel requested' : ''}`],
    ['progress', `${Math.floor(task.progress * 100)} %`],
    [
      'attempt',
      `${task.attempt} (failures ${task.failures}, crashes ${task.crashes}, retries left ${retriesLeft(task)})`,
    ],
    ['created', isoTime(task.createdAt)],
    ['not before', optionalTime(task.runAt)],
    ['started', optionalTime(startedAt)],
    ['completed', completedAt === undefined ? undefined : `${isoTime(completedAt)}${took}`],
    ['args', JSON.stringify(args)],
  ]
  return lines.flatMap(([label, text]) => (text === undefined ? [] : [`${label.padEnd(11)} ${text}`])).join('\n')
}

/** Each failed attempt with its error, its cause and where it was thrown. */
export function attemptErrors(errors: readonly AttemptError[]): string {
  if (errors.length === 0) return 'no attempt has failed'
  return errors.map(describeAttempt).join('\n')
}

function describeAttempt({ attempt, at, error }: AttemptError): string {
  const frames = error.stacktrace.slice(0, 5).map(({ name, file, lineno }) => `    at ${name} (${file}:${lineno})`)
  const cause = error.cause === undefined ? [] : [`    because of ${error.cause.split('\n')[0] ?? ''}`]
  return [`attempt ${attempt}  ${isoTime(at)}  ${error.name}: ${error.message}`, ...cause, ...frames].join('\n')
}

function isoTime(time: number): string {
  return new Date(time).toISOString()
}

function optionalTime(time: number | undefined): string | undefined {
  return time === undefined ? undefined : isoTime(time)
}
