import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import path from 'node:path'
import type { TestServer } from '@ds/broker-testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { atEnd, cleanUp, cleanUpAll, connect, lastingServer, newTopic, start, whyNoSoak, print } from './ground.ts'

let server: TestServer
beforeAll(async () => void (server = await lastingServer()))
afterEach(cleanUp)
afterAll(cleanUpAll)

interface Run {
  readonly child: ChildProcessWithoutNullStreams
  readonly output: { out: string; errors: string }
  /** Exit code, and milliseconds from the closing to the end. */
  readonly ended: Promise<{ code: number | null; at: number }>
}

function run(url: string, mode: 'now' | 'idle' | 'away'): Run {
  const script = path.join(import.meta.dirname, 'scripts/works-and-closes.ts')
  const child = spawn(process.execPath, [script, url, mode])
  atEnd(() => void child.kill('SIGKILL'))
  const output = { out: '', errors: '' }
  child.stdout.on('data', (data: Buffer) => (output.out += String(data)))
  child.stderr.on('data', (data: Buffer) => (output.errors += String(data)))
  const ended = new Promise<{ code: number | null; at: number }>((resolve) => {
    child.once('exit', (code) => resolve({ code, at: Date.now() }))
  })
  return { child, output, ended }
}

describe('a process', () => {
  test('ends by itself after close, and nothing was printed on the way', async () => {
    const { output, ended } = run(server.url, 'now')
    expect((await ended).code).toBe(0)
    expect(output.errors).toBe('')
    expect(output.out).toMatch(/^works\nclosed \d+\n$/)
  })

  test('that has nothing to do takes next to nothing of a processor', async () => {
    const { output, ended } = run(server.url, 'idle')
    await ended
    const [, percent = 'none'] = /idle ([\d.]+)/.exec(output.out) ?? []
    print(`idle with a tail, a group and a writer: ${percent} % of a core`)
    expect(Number(percent)).toBeLessThan(10)
  })

  describe.each(['pause', 'kill'] as const)('whose server is away (%s)', (how) => {
    test('ends soon after close', async (context) => {
      context.skip(how === 'kill' && whyNoSoak !== undefined, whyNoSoak)
      const away = await start()
      const { child, output, ended } = run(away.url, 'away')
      await expect.poll(() => output.out, { timeout: 20_000 }).toContain('works')
      await away[how]()
      const started = Date.now()
      child.stdin.write('close\n')
      const { code, at } = await ended
      expect(code).toBe(0)
      expect(at - started).toBeLessThan(8000)
      expect(output.errors).toBe('')
    })
  })
})

describe('closing', () => {
  test('twice, or before it was connected, is nothing special', async () => {
    const port = await connect({ url: server.url })
    await newTopic(port)
    await Promise.all([port.close(), port.close()])
    await port.close()
  })
})
