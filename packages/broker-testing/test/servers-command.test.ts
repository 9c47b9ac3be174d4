import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startChild } from '../src/faults/child-script.ts'
import { isRunning } from '../src/faults/process-identity.ts'
import { openRedis } from './servers/clients.ts'
import { requireServer } from './servers/server-cases.ts'

const program = new URL('../bin/servers.ts', import.meta.url)
const folder = mkdtempSync(path.join(tmpdir(), 'ds-servers-command-'))

interface Shown {
  servers: { kind: string; url: string; pid: number; running: boolean }[]
}

async function run(...parameters: string[]): Promise<{ code: number | null; printed: string }> {
  await using child = await startChild(program, {
    arguments: parameters,
    environment: { DS_SERVERS_FOLDER: folder },
  })
  const { code } = await child.exited
  return { code, printed: child.output.trim() }
}

async function show(...parameters: string[]): Promise<Shown['servers']> {
  const { code, printed } = await run(...parameters, '--json')
  expect(code, printed).toBe(0)
  return (JSON.parse(printed) as Shown).servers
}

requireServer('redis')

describe('the servers command', () => {
  afterAll(async () => {
    await run('down')
    rmSync(folder, { recursive: true, force: true })
  })

  test('starts a server that goes on, shows it, and ends it', async () => {
    const [started] = await show('up', 'redis')
    expect(started).toMatchObject({ kind: 'redis', running: true })
    const { pid = 0, url = '' } = started ?? {}
    const session = await openRedis(url)
    await session.write('kept')
    expect(await session.read()).toEqual(['kept'])
    await session.close()

    expect(await show('up', 'redis')).toEqual([started])
    expect(await show('status')).toEqual([started])
    expect((await run('status')).printed).toContain(`export DS_BROKER_URL=${url}`)

    expect(await show('down')).toEqual([{ ...started, running: false }])
    expect(isRunning(pid)).toBe(false)
    expect(await show('status')).toEqual([])
  })

  test('starts a new server in place of one that has ended by itself', async () => {
    const [first] = await show('up', 'redis')
    process.kill(first?.pid ?? NaN, 'SIGKILL')
    await expect.poll(() => isRunning(first?.pid ?? NaN)).toBe(false)
    expect(await show('status')).toEqual([{ ...first, running: false }])
    const [second] = await show('up', 'redis')
    expect(second).toMatchObject({ running: true })
    expect(second?.pid).not.toBe(first?.pid)
    await show('down', 'redis')
  })

  test.each([
    [['up', 'mysql'], 'There is no server mysql. Usage: '],
    [['start'], 'There is no command start. Usage: '],
    [[], 'Usage: '],
    [['up', 'kafka@newest'], 'newest is not a version like 4.3.1.'],
  ])('answers %j with one line that says what to do', async (parameters, beginning) => {
    const { code, printed } = await run(...parameters)
    expect(code).toBe(2)
    expect(printed.startsWith(beginning), printed).toBe(true)
    expect(printed.split('\n')).toHaveLength(1)
  })
})
