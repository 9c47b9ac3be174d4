import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { threadId } from 'node:worker_threads'
import { createApp, defineTask } from '@ds/core'
import { describe, expect, it, vi } from 'vitest'
import { app } from './apps/isolated-app.ts'
import { startWorker } from './start-worker.ts'
import { until } from './until.ts'

const APP_FILE = path.join(import.meta.dirname, 'apps/isolated-app.ts')

function fileName(): string {
  return path.join(tmpdir(), `ds-worker-${process.pid}-${Math.random().toString(36).slice(2)}`)
}

/** What a task wrote into a file: its process id. */
async function pidIn(file: string): Promise<number> {
  await until(() => readOrEmpty(file) !== '')
  const pid = Number(readOrEmpty(file))
  rmSync(file)
  return pid
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

describe.each(['thread', 'process'] as const)('isolation %s', (isolation) => {
  it('runs a task apart from the worker, sets dependencies up once, and uses its members again', async () => {
    const { manager } = await startWorker(APP_FILE, { concurrency: 1 })
    const first = await (await manager.create(`${isolation}_place`, null)).result()
    const second = await (await manager.create(`${isolation}_place`, null)).result()
    expect(first).toEqual(second)
    expect(first).toMatchObject({ setups: 1 })
    if (isolation === 'thread') expect(first).not.toMatchObject({ thread: threadId })
    else expect(first).not.toMatchObject({ pid: process.pid })
  })

  it('runs as many at once as it has slots, each in a member of its own', async () => {
    const { manager } = await startWorker(APP_FILE, { concurrency: 3 })
    const files = [fileName(), fileName(), fileName()]
    const handles = await manager.create(files.map((args) => ({ name: `${isolation}_hold`, args })))
    const pids = await Promise.all(files.map((file) => pidIn(file)))
    expect(new Set(pids).size).toBe(isolation === 'thread' ? 1 : 3)
    for (const handle of handles) await handle.cancel()
    const ended = await Promise.all(handles.map((handle) => handle.wait()))
    expect(ended.map(({ state }) => state)).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED'])
  })

  it('applies the retry policy to errors, gives the error of the attempt before, and stores where it was thrown', async () => {
    const { manager, finished } = await startWorker(APP_FILE)
    const handle = await manager.create(`${isolation}_flaky`, null)
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 2 })
    const errors = await handle.errors()
    expect(errors.map(({ error }) => `${error.name}: ${error.message}`)).toEqual([
      'ConnectionError: first try',
      'TypeError: after ConnectionError',
    ])
    expect(errors[0]?.error.stacktrace[0]?.file).toContain('isolated-app.ts')
  })

  it('ends a result that is too large in ERROR, without a retry', async () => {
    const { manager, finished } = await startWorker(APP_FILE)
    const handle = await manager.create(`${isolation}_big`, null)
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 1 })
    expect(await handle.errors()).toMatchObject([{ error: { name: 'PayloadTooLarge' } }])
  })

  it('carries progress, logs and a cancel', async () => {
    const { manager, finished, lines } = await startWorker(APP_FILE)
    const handle = await manager.create(`${isolation}_progress`, null, { id: 'p' })
    await until(async () => (await handle.get()).progress === 0.5)
    expect(lines).toContainEqual({
      level: 'info',
      message: 'half-way',
      fields: expect.objectContaining({ task: 'p', name: `${isolation}_progress`, attempt: 1, page: 3 }) as object,
    })
    await handle.cancel()
    expect(await finished(handle.id)).toMatchObject({ state: 'DONE' })
  })

  it('lets a task create a subtask and wait for it at concurrency 1', async () => {
    const { manager } = await startWorker(APP_FILE, { concurrency: 1 })
    const handle = await manager.create(`${isolation}_parent`, 21, { id: 'parent' })
    expect(await handle.result()).toEqual({ result: 42, last: 'DONE', parentId: 'parent' })
  })

  it('gives a task the errors of its manager with their codes', async () => {
    const { manager } = await startWorker(APP_FILE)
    expect(await (await manager.create(`${isolation}_errors`, null)).result()).toEqual([
      'UnregisteredTask',
      'UnknownTask',
    ])
  })

  it('ends a while(true) handler that was cancelled, after its grace', async () => {
    const { manager, finished, lines } = await startWorker(APP_FILE, { concurrency: 1 })
    const file = fileName()
    const handle = await manager.create(`${isolation}_spin`, file)
    await pidIn(file)
    await handle.cancel()
    expect(await finished(handle.id)).toMatchObject({ state: 'CANCELLED', attempt: 1, crashes: 0 })
    expect(lines.some(({ message }) => message.includes(`its ${isolation} is ended`))).toBe(true)
    expect(await (await manager.create(`${isolation}_double`, 4)).result()).toBe(8)
  })

  it('ends a while(true) handler that timed out, and counts an error', async () => {
    const { manager, finished } = await startWorker(APP_FILE, { concurrency: 1 })
    const handle = await manager.create(`${isolation}_slow_spin`, null)
    expect(await finished(handle.id)).toMatchObject({ state: 'ERROR', attempt: 1, failures: 1, crashes: 0 })
    expect(await handle.errors()).toMatchObject([{ error: { name: 'TaskTimeout' } }])
  })

  it('keeps the leases of others while a handler computes', async () => {
    const { manager, finished } = await startWorker(APP_FILE, { concurrency: 2, lease: 300 })
    const file = fileName()
    const spinning = await manager.create(`${isolation}_spin`, file)
    await pidIn(file)
    const held = fileName()
    const holding = await manager.create(`${isolation}_hold`, held)
    await pidIn(held)
    await new Promise((resolve) => setTimeout(resolve, 900))
    for (const handle of [spinning, holding]) {
      expect(await handle.get()).toMatchObject({ state: 'RUNNING', attempt: 1 })
      await handle.cancel()
      await finished(handle.id)
    }
  })

  it('gives back a while(true) handler at a shutdown, and leaves nothing running', async () => {
    const { manager, worker } = await startWorker(APP_FILE, { concurrency: 1, drain: 0, shutdownGrace: 100 })
    const file = fileName()
    const handle = await manager.create(`${isolation}_spin`, file)
    const pid = await pidIn(file)
    await worker.stop()
    expect(await handle.get()).toMatchObject({ state: 'QUEUED', crashes: 0, failures: 0 })
    if (isolation === 'process') expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('tears down the dependencies of its members at the end', async () => {
    const file = fileName()
    vi.stubEnv('TEARDOWN_FILE', file)
    const { manager, worker } = await startWorker(APP_FILE)
    await (await manager.create(`${isolation}_place`, null)).result()
    await worker.stop()
    vi.unstubAllEnvs()
    expect(readOrEmpty(file)).toBe('torn down')
    rmSync(file)
  })

  it('counts a crash when its member dies, and the task alone ends in ERROR WorkerLost at its limit', async () => {
    const { manager, worker, finished, lines } = await startWorker(APP_FILE, { concurrency: 10 })
    const dying = await manager.create(`${isolation}_die`, null)
    const neighbours = await manager.create(
      Array.from({ length: 99 }, (_, args) => ({ name: args % 10 === 0 ? `${isolation}_double` : 'neighbour', args })),
    )
    expect(await finished(dying.id)).toMatchObject({ state: 'ERROR', attempt: 2, crashes: 2, failures: 0 })
    expect(await dying.errors()).toMatchObject([{ error: { name: 'WorkerLost' } }, { error: { name: 'WorkerLost' } }])
    const ended = await Promise.all(neighbours.map((handle) => handle.wait()))
    expect(ended.every(({ state, attempt, crashes }) => state === 'DONE' && attempt === 1 && crashes === 0)).toBe(true)
    expect(worker.status()).toMatchObject({ state: 'running', counts: { lost: 2, done: 99 } })
    expect(lines.some(({ message }) => message.startsWith(`The ${isolation} that ran ${isolation}_die died`))).toBe(
      true,
    )
  })
})

it('runs a task again, attempt 2 and a crash counted, whose process was killed from outside', async () => {
  const { manager } = await startWorker(APP_FILE)
  const file = fileName()
  const handle = await manager.create('process_hold', file)
  process.kill(await pidIn(file), 'SIGKILL')
  expect(await handle.result()).toBe('attempt 2')
  expect(await handle.get()).toMatchObject({ state: 'DONE', attempt: 2, crashes: 1, failures: 0 })
})

it('costs a task nothing that processes were killed while they were idle', async () => {
  const { manager } = await startWorker(APP_FILE, { concurrency: 4 })
  const places = await manager.create(Array.from({ length: 4 }, () => ({ name: 'process_place', args: null })))
  const found = await Promise.all(places.map((handle) => handle.result()))
  for (const pid of new Set(found.map((place) => (place as { pid: number }).pid))) process.kill(pid, 'SIGKILL')
  const handle = await manager.create('process_double', 4)
  expect(await handle.result()).toBe(8)
  expect(await handle.get()).toMatchObject({ attempt: 1, crashes: 0 })
})

it('gives a task back, after a wait, when no further member can be started, and goes on when one can', async () => {
  const { manager, worker, lines } = await startWorker(path.join(import.meta.dirname, 'apps/fragile-app.ts'))
  const file = fileName()
  const holding = await manager.create('hold', file)
  await until(() => readOrEmpty(file) !== '')
  rmSync(file)
  vi.stubEnv('FRAGILE', '1')
  const quick = await manager.create('quick', null)
  await until(() => lines.some(({ message }) => message === 'No thread for a task: giving it back in 1 s'))
  vi.unstubAllEnvs()
  expect(await quick.result()).toBe('quick')
  expect(await quick.get()).toMatchObject({ attempt: 2, failures: 0, crashes: 0 })
  expect(worker.status().counts).toMatchObject({ released: 1, done: 1 })
  await holding.cancel()
})

it('loads the App by appModule where it was given itself: a file or its URL', async () => {
  for (const appModule of [APP_FILE, new URL('./apps/isolated-app.ts', import.meta.url)]) {
    const { manager } = await startWorker(app, { appModule })
    expect(await (await manager.create('thread_double', 5)).result()).toBe(10)
  }
})

it('refuses to start where a task is isolated and nobody said where its App can be loaded', async () => {
  const { running } = await startWorker(createApp('app', [defineTask('heavy', { isolation: 'process' }, () => 1)]))
  await expect(running).rejects.toMatchObject({
    code: 'ConfigInvalid',
    message: expect.stringMatching(/^heavy runs in a process.*appModule: import.meta.url/) as string,
  })
})

it('says why, and ends, when a member cannot load the App', async () => {
  const heavy = createApp('app', [defineTask('heavy', { isolation: 'thread' }, () => 1)])
  const missing = await startWorker(heavy, { appModule: '/no/such/app.ts' })
  await expect(missing.running).rejects.toThrow(/A thread could not start: There is no file \/no\/such\/app.ts/)
  const crashing = await startWorker(heavy, { appModule: path.join(import.meta.dirname, 'apps/crashing-app.ts') })
  await expect(crashing.running).rejects.toThrow(/A thread ended before it could run a task: exit code 7/)
})
