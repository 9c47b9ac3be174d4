import { startRedis, whyNoServer } from '@ds/broker-testing'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { outFolder } from './page-folders.ts'
import { ROOT, runCommand } from './run-command.ts'

const reason = await whyNoServer('redis', {})

test('the main job, `npm start`, does on Redis what it does in memory', { timeout: 180_000 }, async (context) => {
  context.skip(reason !== undefined, reason)
  const folder = outFolder('documents-on-redis')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await using server = await startRedis()
  const start = path.join(ROOT, 'examples', 'tasks-documents', 'start.ts')
  const environment = { DS_BROKER_URL: server.url, DS_NAMESPACE: 'documents' }
  const { code, output } = await runCommand(`'${process.execPath}' '${start}'`, { cwd: folder, environment })
  expect(output).toContain(server.url)
  expect(code, output).toBe(0)
  expect(await readdir(path.join(folder, 'out'), { recursive: true })).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.csv$/), expect.stringMatching(/\.zip$/)]),
  )
})
