/**
 * A program that cleans up after the process that started it.
 *
 * It is told over its standard input what to watch. When that pipe closes, which the kernel does however the other side
 * ended, it kills the processes, removes the folders and runs the commands it was told of, and ends itself.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { killGroup, startTimeOf } from './process-identity.ts'

/** One line of the watchdog's input, as JSON. */
export type WatchdogRequest =
  | { id: number; watch: { process?: number; folder?: string; command?: readonly string[] } }
  | { id: number; forget: true }

interface Watched {
  process?: number
  startTime?: string | undefined
  folder?: string
  command?: readonly string[]
}

const watched = new Map<number, Watched>()

function handle(line: string): void {
  const request = JSON.parse(line) as WatchdogRequest
  if ('forget' in request) watched.delete(request.id)
  else watched.set(request.id, remember(request.watch))
  process.stdout.write(`${request.id}\n`)
}

function remember(watch: Watched): Watched {
  return watch.process === undefined ? watch : { ...watch, startTime: startTimeOf(watch.process) }
}

/** Processes first: a folder cannot be removed for good while a server still writes to it. */
function cleanUp(): void {
  const entries = [...watched.values()]
  for (const entry of entries) if (entry.process !== undefined) killGroup(entry.process, entry.startTime)
  for (const entry of entries) if (entry.command !== undefined) runCommand(entry.command)
  for (const entry of entries) if (entry.folder !== undefined) removeFolder(entry.folder)
}

function runCommand([command, ...parameters]: readonly string[]): void {
  if (command !== undefined) spawnSync(command, parameters, { stdio: 'ignore', timeout: 60_000 })
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

// Ctrl-C reaches every process of a terminal; what is watched must still be ended by this one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.stdout.on('error', () => undefined)

createInterface({ input: process.stdin })
  .on('line', handle)
  .on('close', () => {
    cleanUp()
    process.exit(0)
  })
