import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { entryUrl } from '../entries/entry-url.ts'
import type { SpawnMember } from './member.ts'
import type { FromMember } from './protocol.ts'

/** Milliseconds after its end in which the last messages of a process arrive. */
const LAST_MESSAGES = 200

const living = new Set<ChildProcess>()

/** Starts a process for tasks. */
export const spawnProcess: SpawnMember = ({ onMessage, onExit }) => {
  const child = forkEntry('process-entry')
  let exited = false
  const exitOnce = (reason: string): void => {
    if (exited) return
    exited = true
    onExit(reason)
  }
  child.on('message', (message) => onMessage(message as FromMember))
  child.on('error', (error) => exitOnce(error.message))
  child.on('exit', (code, signal) =>
    whenSilent(child, () => exitOnce(signal ? `signal ${signal}` : `exit code ${code}`)),
  )
  return {
    // It may be dying: then its exit is what counts.
    send: (message) => void child.send(message, () => undefined),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Starts one of our entries in a process of its own, which ends with this one. */
export function forkEntry(name: 'process-entry' | 'pool-entry'): ChildProcess {
  const child = fork(fileURLToPath(entryUrl(name)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A debugger's port and a profile's file belong to one process.
    execArgv: process.execArgv.filter((argument) => !/^--(inspect|cpu-prof|heap-prof)/.test(argument)),
  })
  endWithThisProcess(child)
  return child
}

function endWithThisProcess(child: ChildProcess): void {
  if (living.size === 0) process.on('exit', endAll)
  living.add(child)
  child.once('exit', () => {
    living.delete(child)
    if (living.size === 0) process.off('exit', endAll)
  })
}

function endAll(): void {
  for (const child of living) child.kill('SIGKILL')
}

/** Its end may be known before its last messages are read. */
function whenSilent(child: ChildProcess, then: () => void): void {
  if (!child.connected) return then()
  const timer = setTimeout(then, LAST_MESSAGES)
  child.once('disconnect', () => {
    clearTimeout(timer)
    then()
  })
}
