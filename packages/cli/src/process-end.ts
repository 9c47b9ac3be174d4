import { toTaskError } from '@ds/core'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'

/** Milliseconds that what a handler left open may still hold the process, so that its last lines get out. */
const PATIENCE = 500

/** Ends the process well wherever Node would write a stack, or end without a word. To be called before anything else runs. */
export function guardProcess(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endOfReader)
  process.on('uncaughtException', (error) => {
    process.stderr.write(`ds: thrown outside of any task: ${describe(error)}\n`)
    process.exit(EXIT.failed)
  })
  process.on('beforeExit', endOfNothingLeft)
}

/** Ends the process with this code once its output is written, also where a handler left timers or sockets open. */
export async function endProcess(code: number): Promise<void> {
  process.off('beforeExit', endOfNothingLeft)
  process.exitCode = code
  await Promise.all([written(process.stdout), written(process.stderr)])
  setTimeout(() => process.exit(), PATIENCE).unref()
}

/** Who reads no further, as `head` does, has what it wanted. */
function endOfReader(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed)
}

/** Nothing can happen any more, and the command is not done. */
function endOfNothingLeft(): void {
  process.stderr.write(
    'ds: ended before it was done: an App, config or handler waits for something that can never come\n',
  )
  process.exit(EXIT.misuse)
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}

function describe(error: unknown): string {
  const { name, message, stacktrace } = toTaskError(error)
  const [frame] = stacktrace
  return `${name}: ${oneLine(message)}${frame ? ` at ${frame.file}:${frame.lineno}` : ''}`
}
