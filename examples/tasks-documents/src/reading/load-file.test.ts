import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failureOf } from '../failure.ts'
import { loadFile } from './load-file.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'load-'))))
afterAll(() => rm(folder, { recursive: true }))

async function failure(path: string, maxBytes = 100): Promise<unknown> {
  const error: unknown = await loadFile(path, { maxBytes }).then(
    () => expect.fail('it was read'),
    (reason: unknown) => reason,
  )
  return failureOf(path, error)
}

test('gives the bytes with their hash', async () => {
  const path = join(folder, 'a.txt')
  await writeFile(path, 'hello')
  const file = await loadFile(path, { maxBytes: 5 })
  expect(file).toMatchObject({
    path,
    size: 5,
    hash: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  })
  expect(Buffer.from(file.bytes).toString()).toBe('hello')
})

test('a file over the limit, an empty one, a missing one and a folder are failures with a code', async () => {
  const large = join(folder, 'large.txt')
  await writeFile(large, 'x'.repeat(101))
  expect(await failure(large)).toMatchObject({ code: 'TooLarge' })
  const empty = join(folder, 'empty.txt')
  await writeFile(empty, '')
  expect(await failure(empty)).toMatchObject({ code: 'Empty' })
  expect(await failure(join(folder, 'absent.txt'))).toMatchObject({ code: 'Missing' })
  expect(await failure(folder, 10_000_000)).toMatchObject({
    code: 'Unreadable',
    message: expect.stringContaining('EISDIR') as string,
  })
})
