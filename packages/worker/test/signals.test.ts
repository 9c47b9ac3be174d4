import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { startProgram } from './program.ts'
import type { Program } from './program.ts'
import { until, wait } from './until.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs/worker-program.ts')

async function runningProgram(task = '', args: unknown = null, drain = '1s'): Promise<Program> {
  const program = startProgram(PROGRAM, [task, JSON.stringify(args), drain])
  await program.prints('running\n')
  return program
}

function lastLine({ output }: Program): unknown {
  return JSON.parse(output().trim().split('\n').at(-1) ?? '')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it.each(['SIGTERM', 'SIGINT'] as const)('exits 0 at %s while it is idle', async (signal) => {
  const program = await runningProgram()
  program.signal(signal)
  expect(await program.ended).toBe(0)
})

it.each(['SIGTERM', 'SIGINT'] as const)('lets a running task end at %s, and exits 0', async (signal) => {
  const program = await runningProgram('patient', null, '20s')
  program.signal(signal)
  expect(await program.ended).toBe(0)
  expect(lastLine(program)).toEqual({ state: 'DONE', attempt: 1, crashes: 0 })
  expect(program.output()).toContain('waiting up to 20 s for 1 task')
})

it.each(['obedient', 'endless'])(
  'gives back at SIGTERM a task that is still running after the drain (%s), and exits 0 within its limit',
  async (task) => {
    const program = await runningProgram(task)
    const before = performance.now()
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    expect(performance.now() - before).toBeGreaterThan(1000)
    expect(performance.now() - before).toBeLessThan(6000)
    expect(lastLine(program)).toEqual({ state: 'QUEUED', attempt: 1, crashes: 0 })
  },
)

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('ends at once at the second %s', async (signal, code) => {
  const program = await runningProgram('endless', null, '20s')
  program.signal(signal)
  await program.prints('Shutting down')
  await wait(600)
  program.signal(signal)
  expect(await program.ended).toBe(code)
})

it('takes signals that come together, as npx passes them on, for one', async () => {
  const program = await runningProgram('patient', null, '20s')
  program.signal('SIGINT')
  program.signal('SIGINT')
  await program.prints('Shutting down')
  program.signal('SIGINT')
  expect(await program.ended).toBe(0)
  expect(lastLine(program)).toEqual({ state: 'DONE', attempt: 1, crashes: 0 })
})

it.each([
  ['a second signal', 'SIGTERM'],
  ['SIGKILL', 'SIGKILL'],
] as const)('leaves no process of a computing handler behind after %s', async (_what, signal) => {
  const file = path.join(tmpdir(), `ds-worker-signals-${process.pid}-${signal}`)
  const program = await runningProgram('spin', file)
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '')
  const pid = Number(readFileSync(file, 'utf8'))
  rmSync(file)
  expect(isAlive(pid)).toBe(true)
  program.signal(signal)
  if (signal === 'SIGTERM') {
    await program.prints('Shutting down')
    await wait(600)
    program.signal(signal)
  }
  await program.ended
  await until(() => !isAlive(pid))
})
