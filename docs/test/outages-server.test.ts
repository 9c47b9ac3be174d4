import { startRedis, whyNoServer } from '@ds/broker-testing'
import type { TestServer } from '@ds/broker-testing'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { BIN, plainEnvironment, ROOT } from './run-command.ts'

const reason = await whyNoServer('redis', {})
const APP = path.join(ROOT, 'packages', 'cli', 'test', 'fixtures', 'tasks.ts')
/** What "within seconds" is at most: what goes wrong is looked for every five seconds, and may take as long to be seen. */
const SECONDS = { timeout: 20_000 }

interface Started {
  /** All it wrote so far. */
  said(): string
  /** Its exit code. */
  ended(): Promise<unknown>
  interrupt(): void
}

function startDs(server: TestServer, ...args: string[]): Started {
  const env = { ...plainEnvironment(), DS_LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [BIN, '--broker', server.url, ...args], { env })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    said: () => said,
    ended: async () => ((await exited) as [number | null])[0],
    interrupt: () => void child.kill('SIGINT'),
  }
}

test(
  'a worker that waits for tasks says that the broker is away, and that it is back',
  { timeout: 90_000 },
  async (context) => {
    context.skip(reason !== undefined, reason)
    await using server = await startRedis()
    const worker = startDs(server, 'worker', 'start', APP)
    await vi.waitFor(() => expect(worker.said()).toContain('worker  hello'), SECONDS)
    await server.pause()
    await vi.waitFor(() => expect(worker.said()).toMatch(/is not well: .*The worker goes on trying/), SECONDS)
    await server.resume()
    await vi.waitFor(() => expect(worker.said()).toContain('is well again'), SECONDS)
    worker.interrupt()
    expect(await worker.ended()).toBe(0)
  },
)

test('ds run says that the broker is away, and one Ctrl-C ends it', { timeout: 90_000 }, async (context) => {
  context.skip(reason !== undefined, reason)
  await using server = await startRedis()
  const run = startDs(server, '--json', 'run', APP, 'sleep', '{}')
  await vi.waitFor(() => expect(run.said()).toContain('RUNNING'), SECONDS)
  await server.pause()
  await vi.waitFor(() => expect(run.said()).toContain('is not well'), SECONDS)
  const interrupted = performance.now()
  run.interrupt()
  expect(await run.ended()).toBe(3)
  expect(performance.now() - interrupted).toBeLessThan(SECONDS.timeout)
  expect(run.said()).toMatch(/\(sleep\) could not be cancelled/)
  expect(run.said()).toContain('does not answer')
})
