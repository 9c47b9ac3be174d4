import { startProcess, startRedis, whyNoServer } from '@ds/broker-testing'
import type { TestServer, WatchedProcess } from '@ds/broker-testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { folderOf, outFolder, writePages } from './page-folders.ts'
import { comparable, matches, plainEnvironment, ROOT, runCommand, withOwnDs } from './run-command.ts'
import { readPages } from './snippets.ts'
import type { Page, ShownCommand } from './snippets.ts'

const OUT = outFolder('snippets-on-redis')
/** The address that pages show; the server of the tests has another port. */
const SHOWN_ADDRESS = 'redis://127.0.0.1:6379'

const pages = await readPages(ROOT)
const reason = await whyNoServer('redis', {})
let server: TestServer

beforeAll(async () => {
  await writePages(pages, OUT)
  if (reason === undefined) server = await startRedis()
}, 120_000)

afterAll(() => server?.close())

beforeEach((context) => context.skip(reason !== undefined, reason))

describe.each(pages.filter(({ commandsOnRedis }) => commandsOnRedis.length > 0))('the commands of $file', (page) => {
  test('print on a Redis what the page shows', { timeout: 180_000 }, () => playPage(page))
})

async function playPage(page: Page): Promise<void> {
  const workers: WatchedProcess[] = []
  try {
    for (const shown of page.commandsOnRedis) {
      if (isEndless(shown)) workers.push(await startWorker(page, shown))
      else await runToEnd(page, shown)
    }
    for (const worker of workers) expect(await worker.stop(30_000), worker.output).toMatchObject({ code: 0 })
  } finally {
    await Promise.all(workers.map((worker) => worker.close()))
  }
}

/** Workers run until they are told to end; here, until their page has been played. */
function isEndless({ command }: ShownCommand): boolean {
  return /\bworker start\b|\bnode worker\.ts\b/.test(command)
}

async function startWorker(page: Page, { command, output }: ShownCommand): Promise<WatchedProcess> {
  const script = `exec 2>&1\nexec ${withOwnDs(atServer(command))}`
  const worker = await startProcess({
    command: 'sh',
    arguments: ['-c', script],
    workingDirectory: folderOf(page, OUT),
    environment: { ...definedOnly(plainEnvironment()), ...environmentOf(page) },
  })
  const lines = output.split('\n').map((line) => line.replace(/\.\.\.$/, '').trimEnd())
  await vi.waitFor(() => expect(asShown(worker.output)).toContain('worker  '), { timeout: 30_000, interval: 100 })
  for (const line of lines) expect(asShown(worker.output)).toContain(line)
  return worker
}

async function runToEnd(page: Page, { command, output }: ShownCommand): Promise<void> {
  const finished = await runCommand(atServer(command), { cwd: folderOf(page, OUT), environment: environmentOf(page) })
  const printed = asShown(finished.output)
  if (!matches(printed, output))
    expect(`$ ${command}\n${comparable(printed)}`).toBe(`$ ${command}\n${comparable(output)}`)
}

/** Pages do not see each other's tasks. */
function environmentOf(page: Page): Record<string, string> {
  return {
    DS_BROKER_URL: server.url,
    DS_NAMESPACE: page.file
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(-48),
  }
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function atServer(text: string): string {
  return text.replaceAll(SHOWN_ADDRESS, server.url)
}

function asShown(text: string): string {
  return text.replaceAll(server.url, SHOWN_ADDRESS)
}
