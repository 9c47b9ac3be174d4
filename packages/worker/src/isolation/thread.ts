import { Worker } from 'node:worker_threads'
import { toTaskError } from '@ds/core'
import { entryUrl } from '../entries/entry-url.ts'
import type { SpawnMember } from './member.ts'
import type { FromMember } from './protocol.ts'

/** Starts a thread for tasks. */
export const spawnThread: SpawnMember = ({ onMessage, onExit }) => {
  const thread = new Worker(entryUrl('thread-entry'), { name: 'ds-task' })
  let failure: string | undefined
  thread.on('message', (message: FromMember) => onMessage(message))
  thread.on('messageerror', (error) => (failure = `it sent what cannot be read: ${error.message}`))
  thread.on('error', (error) => (failure = describe(error)))
  thread.on('exit', (code) => onExit(failure ?? `exit code ${code}`))
  return {
    send: (message) => thread.postMessage(message),
    kill: () => void thread.terminate(),
  }
}

/** What was thrown and where, on one line. */
function describe(error: unknown): string {
  const { name, message, stacktrace } = toTaskError(error)
  const [frame] = stacktrace
  return `${name}: ${message}${frame ? ` (${frame.file}:${frame.lineno})` : ''}`
}
