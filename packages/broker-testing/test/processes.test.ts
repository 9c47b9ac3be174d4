import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { startChild } from '../src/faults/child-script.ts'
import { isRunning } from '../src/faults/process-identity.ts'
import { startProcess } from '../src/faults/watched-process.ts'
import { waitUntil } from '../src/faults/waiting.ts'

const talkative = new URL('./scripts/talkative.ts', import.meta.url)
const parent = new URL('./scripts/parent.ts', import.meta.url)

describe('a child script', () => {
  test('is read line by line, already printed lines and lines to come', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    expect(await child.waitForLine('ready')).toBe('ready long')
    expect(await child.waitForLine(/^count 3$/)).toBe('count 3')
    expect(await child.waitForLine('ready')).toBe('ready long')
    const from = child.lines.length
    const later = await child.waitForLine('count', { from })
    expect(child.lines.indexOf(later)).toBeGreaterThanOrEqual(from)
    expect(child.output).toContain('this goes to the error stream')
  })

  test('exchanges messages', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    await child.waitForLine('ready')
    await child.send({ question: 1 })
    expect(await child.waitForMessage(() => true)).toEqual({ echo: { question: 1 } })
  })

  test('refuses who waits for a line that cannot come any more, and shows what came', async () => {
    await using child = await startChild(talkative, { arguments: ['short'] })
    await expect(child.waitForLine('count')).rejects.toThrow(/The process ended[^]*like count[^]*ready short/)
    await expect(child.waitForLine('count')).rejects.toThrow('The process ended')
    expect(await child.exited).toEqual({ code: 0, signal: null })
  })

  test('refuses who waits too long for a line', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    await expect(child.waitForLine('never printed', { timeoutMs: 50 })).rejects.toThrow('0.05 s went by')
  })

  test('stands still between SIGSTOP and SIGCONT', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    await child.waitForLine('count 1')
    await child.pause()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const printed = child.lines.length
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(child.lines.length).toBe(printed)
    child.resume()
    await child.waitForLine('count', { from: printed })
  })

  test('is ended by SIGKILL, also while it stands still', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    await child.waitForLine('ready')
    await child.pause()
    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    expect(isRunning(child.pid)).toBe(false)
  })

  test('is asked to stop by SIGTERM, also while it stands still', async () => {
    await using child = await startChild(talkative, { arguments: ['long'] })
    await child.waitForLine('ready')
    await child.pause()
    expect(await child.stop()).toEqual({ code: 3, signal: null })
    expect(child.lines.at(-1)).toBe('asked to stop')
  })
})

describe('a watched process', () => {
  test('takes what it started with it when it is closed, although it was killed before', async () => {
    const child = await startProcess({ command: 'sh', arguments: ['-c', 'sleep 300 & echo $!; wait'] })
    const grandchild = await waitUntil(() => Number(child.output) || undefined, { what: 'a pid', timeoutMs: 5_000 })
    await child.kill()
    expect(isRunning(grandchild)).toBe(true)
    await child.close()
    await waitUntil(() => !isRunning(grandchild), { what: 'the grandchild to end', timeoutMs: 5_000 })
  })

  test('says that a command does not exist by its exit code', async () => {
    await using child = await startProcess({ command: 'no-such-command' })
    expect(await child.exited).toEqual({ code: 127, signal: null })
    expect(child.output).toContain('no-such-command')
  })

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'ends with its parent, and guarded folders go, when the parent gets %s',
    async (signal) => {
      await using child = await startChild(parent)
      const { pids, folder } = JSON.parse(await child.waitForLine('pids')) as { pids: number[]; folder: string }
      expect(pids.map(isRunning)).toEqual([true, true])
      child.signal(signal)
      await child.exited
      await waitUntil(() => !pids.some(isRunning), { what: 'the processes to end', timeoutMs: 5_000 })
      await waitUntil(() => !existsSync(folder), { what: 'the folder to go', timeoutMs: 5_000 })
    },
  )
})
