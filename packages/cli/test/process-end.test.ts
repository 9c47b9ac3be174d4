import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { BIN, ds, FIXTURES } from './run-ds.ts'

test('what a handler left open does not hold the process once the result is written', async () => {
  const before = performance.now()
  const finished = await ds(['run', 'bad-input.ts', 'open'])
  expect(finished).toMatchObject({ code: 0, stdout: '"done"\n' })
  expect(performance.now() - before).toBeLessThan(10_000)
})

test('a large result is written whole before the process ends', async () => {
  const { stdout } = await ds(['--json', 'run', 'bad-input.ts', 'large'])
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toHaveLength(40_000)
})

test('a reader that wants no more ends it without a word', async () => {
  const child = spawn(process.execPath, [BIN, 'run', 'bad-input.ts', 'large'], { cwd: FIXTURES })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdout.once('data', () => child.stdout.destroy())
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(said).not.toContain('EPIPE')
})

test('a promise that a handler left alone ends the process with one line that says where', async () => {
  const { code, stderr } = await ds(['run', 'bad-input.ts', 'floating'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^ds: thrown outside of any task: Error: nobody waits for me at .*bad-input\.ts:\d+$/m)
  expect(stderr).not.toMatch(/^\s+at /m)
})

test('a worker that was told to stop ends, also where its App keeps something open', async () => {
  const child = spawn(process.execPath, [BIN, '--broker', 'memory:', 'worker', 'start', 'holding.ts'], {
    cwd: FIXTURES,
  })
  await once(child.stderr, 'data')
  const exited = once(child, 'exit')
  const before = performance.now()
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  expect(performance.now() - before).toBeLessThan(5000)
})

test('Ctrl-C cancels the task of ds run, also where npm passes it on a second time', async () => {
  const child = spawn(process.execPath, [BIN, '--json', 'run', 'tasks.ts', 'sleep'], { cwd: FIXTURES })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exited = once(child, 'exit')
  await new Promise<void>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('RUNNING')) resolve()
    }),
  )
  child.kill('SIGINT')
  child.kill('SIGINT')
  expect(await exited).toEqual([130, null])
  expect(said).toMatch(/^ds: task \S+ \(sleep\) was cancelled$/m)
})
