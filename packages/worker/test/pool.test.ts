import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createApp, createMemoryBroker, defineTask } from '@ds/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WorkerPool } from '../src/index.ts'
import type { WorkerPoolOptions } from '../src/index.ts'
import { collectingLogger } from './collecting-logger.ts'
import { startProgram } from './program.ts'
import { until, wait } from './until.ts'

const APP_FILE = path.join(import.meta.dirname, 'apps/pool-app.ts')
const ADAPTER = path.join(import.meta.dirname, 'adapters/self-feeding.ts')
const PROGRAM = path.join(import.meta.dirname, 'programs/pool-program.ts')

/** A file that the tasks of a test append to. */
function taskFile(): { file: string; pids: (word: 'started' | 'drained') => number[] } {
  const file = path.join(tmpdir(), `ds-pool-${process.pid}-${Math.random().toString(36).slice(2)}`)
  onTestFinished(() => rmSync(file, { force: true }))
  const lines = (): string[] => {
    try {
      return readFileSync(file, 'utf8').split('\n')
    } catch {
      return []
    }
  }
  const pids = (word: string): number[] =>
    lines().flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.slice(word.length))] : []))
  return { file, pids }
}

function newPool(options: WorkerPoolOptions) {
  const { logger, lines } = collectingLogger()
  // Its processes write to stderr by themselves.
  vi.stubEnv('DS_LOG_LEVEL', 'silent')
  onTestFinished(() => void vi.unstubAllEnvs())
  const pool = new WorkerPool({ app: APP_FILE, drain: 0, shutdownGrace: 1000, logger, ...options })
  const running = pool.run()
  running.catch(() => undefined)
  onTestFinished(() => pool.stop())
  return { pool, running, lines }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('runs one App in several processes, which drain when it is stopped', async () => {
  const { file, pids } = taskFile()
  const broker = { adapter: ADAPTER, tasks: [{ name: 'tell_pid', args: file }] }
  const { pool, running, lines } = newPool({ broker, processes: 3 })
  await until(() => pids('started').length === 3)
  expect(new Set(pids('started')).size).toBe(3)
  expect(pids('started').sort()).toEqual(
    pool
      .status()
      .members.map(({ pid }) => pid)
      .sort(),
  )
  await until(() => pool.status().members.every(({ status }) => status?.running.length === 1))
  await pool.stop()
  await running
  expect(pids('drained').sort()).toEqual(pids('started').sort())
  expect(pids('started').some(isAlive)).toBe(false)
  expect(lines.map(({ message }) => message)).toContain(
    'worker  pool  3 processes x 10 slots  group default  memory:  tasks: tell_pid (group default), spin (group default)',
  )
})

it('replaces a process that dies, and says so', async () => {
  const { file, pids } = taskFile()
  const broker = { adapter: ADAPTER, tasks: [{ name: 'tell_pid', args: file }] }
  const { lines } = newPool({ broker, processes: 2 })
  await until(() => pids('started').length === 2)
  await until(() => lines.some(({ message }) => message.startsWith('worker  pool')))
  process.kill(pids('started')[0] ?? 0, 'SIGKILL')
  await until(() => pids('started').length === 3)
  expect(lines.find(({ level }) => level === 'error')?.message).toMatch(
    /^Worker process [12] died \(signal SIGKILL\); starting another in 0.5 s$/,
  )
})

it('ends with the reason when its processes cannot load the App, and leaves none', async () => {
  vi.stubEnv('BROKEN_APP', '1')
  const { running, pool } = newPool({ broker: { adapter: ADAPTER }, processes: 2 })
  await expect(running).rejects.toThrow(/pool-app.ts cannot be loaded: this App is broken/)
  vi.unstubAllEnvs()
  expect(pool.status().members.some(({ pid }) => pid !== undefined && isAlive(pid))).toBe(false)
})

it('refuses a broker that lives in one process', async () => {
  const { running } = newPool({ broker: 'memory:', processes: 4 })
  await expect(running).rejects.toMatchObject({
    code: 'NotSupported',
    message: expect.stringMatching(
      /4 worker processes cannot share it. Run one process with more concurrency, or/,
    ) as string,
  })
})

it('refuses what cannot be sent to another process', async () => {
  const app = createApp('app', [defineTask('noop', () => 1)])
  await expect(newPool({ app, broker: { adapter: ADAPTER } }).running).rejects.toThrow(/Name its file or package/)
  await expect(newPool({ broker: createMemoryBroker() }).running).rejects.toThrow(/Give it by URL or options/)
  const unregistered = { backoff: () => 1 }
  await expect(newPool({ broker: { adapter: ADAPTER }, unregistered }).running).rejects.toThrow(/Give plain data/)
})

it('drains all its processes and exits 0 at SIGTERM', async () => {
  const { file, pids } = taskFile()
  const program = startProgram(PROGRAM, ['tell_pid', file])
  await program.prints('worker  pool')
  await until(() => pids('started').length === 2)
  program.signal('SIGTERM')
  expect(await program.ended).toBe(0)
  expect(pids('drained').sort()).toEqual(pids('started').sort())
  expect(pids('started').some(isAlive)).toBe(false)
})

it.each([
  ['a second SIGTERM', 'SIGTERM', 143],
  ['SIGKILL', 'SIGKILL', 'SIGKILL'],
] as const)('leaves no process behind after %s, even one that computes', async (_what, signal, code) => {
  const { file, pids } = taskFile()
  const program = startProgram(PROGRAM, ['spin', file])
  await until(() => pids('started').length === 2)
  program.signal(signal)
  if (signal === 'SIGTERM') {
    await program.prints('Shutting down')
    await wait(600)
    program.signal(signal)
  }
  expect(await program.ended).toBe(code)
  await until(() => !pids('started').some(isAlive))
})
