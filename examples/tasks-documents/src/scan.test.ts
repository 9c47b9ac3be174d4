import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scanFolder, type ScanOptions } from './scan.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scan-'))
  await mkdir(join(folder, 'a', 'b', 'c'), { recursive: true })
  await writeFile(join(folder, 'top.txt'), 'top')
  await writeFile(join(folder, 'a', 'b', 'c', 'deep.txt'), 'deep')
})

afterEach(async () => {
  await chmod(folder, 0o755)
  await rm(folder, { recursive: true, force: true })
})

async function scanned(options: ScanOptions = {}): Promise<string[]> {
  const lines: string[] = []
  for await (const entry of scanFolder(folder, options)) {
    if (entry.kind === 'file') lines.push(`file ${relative(folder, entry.path)}`)
    else if (entry.kind === 'skipped') lines.push(`${entry.reason} ${relative(folder, entry.path)}`)
    else lines.push(`${entry.failure.code} ${relative(folder, entry.failure.path)}`)
  }
  return lines.sort()
}

test('finds files at any depth', async () => {
  expect(await scanned()).toEqual(['file a/b/c/deep.txt', 'file top.txt'])
})

test('reports hidden files and folders once, and looks into them when asked', async () => {
  await mkdir(join(folder, '.git'))
  await writeFile(join(folder, '.git', 'config'), 'x')
  await writeFile(join(folder, '.notes'), 'x')
  expect(await scanned()).toEqual(['file a/b/c/deep.txt', 'file top.txt', 'hidden .git', 'hidden .notes'])
  expect(await scanned({ hidden: true })).toContain('file .git/config')
})

test('does not follow links unless asked', async () => {
  await symlink('/etc', join(folder, 'etc'))
  expect(await scanned()).toEqual(['file a/b/c/deep.txt', 'file top.txt', 'link etc'])
})

test('followed links that lead back end, and each file is handed out once under its own name', async () => {
  await symlink(folder, join(folder, 'a', 'up'))
  await symlink(join(folder, 'top.txt'), join(folder, 'a', 'again.txt'))
  await symlink('self', join(folder, 'self'))
  await symlink('nowhere', join(folder, 'broken'))
  const lines = await scanned({ followLinks: true })
  expect(lines).toEqual([
    'Missing broken',
    'Unreadable self',
    'file a/b/c/deep.txt',
    'file top.txt',
    'visited a/again.txt',
    'visited a/up',
  ])
})

test('two links to one folder outside give its files once', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'scan-outside-'))
  await writeFile(join(outside, 'far.txt'), 'far')
  await symlink(outside, join(folder, 'one'))
  await symlink(outside, join(folder, 'two'))
  const lines = await scanned({ followLinks: true })
  expect(lines.filter((line) => line.endsWith('far.txt'))).toHaveLength(1)
  expect(lines.filter((line) => line.startsWith('visited'))).toHaveLength(1)
  await rm(outside, { recursive: true })
})

test('reports pipes and does not open them', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  expect(await scanned()).toContain('special pipe')
})

test('reports a folder it may not read and goes on', async () => {
  await chmod(folder, 0o755)
  await mkdir(join(folder, 'locked'))
  await chmod(join(folder, 'locked'), 0o000)
  const lines = await asUnprivileged(() => scanned())
  await chmod(join(folder, 'locked'), 0o755)
  expect(lines).toEqual(['Unreadable locked', 'file a/b/c/deep.txt', 'file top.txt'])
})

/** Root may read everything, so a test of permissions steps down for a moment. */
async function asUnprivileged<T>(action: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return action()
  process.seteuid!(65534)
  try {
    return await action()
  } finally {
    process.seteuid!(0)
  }
}

test('an abort in the middle ends the scan with its reason', async () => {
  const controller = new AbortController()
  const seen: string[] = []
  const scan = async (): Promise<void> => {
    for await (const entry of scanFolder(folder, { signal: controller.signal })) {
      seen.push(entry.kind)
      controller.abort(new Error('stop now'))
    }
  }
  await expect(scan()).rejects.toThrow('stop now')
  expect(seen).toHaveLength(1)
})

test('a folder that is none is an error of the scan, not of an entry', async () => {
  await expect(scanFolder(join(folder, 'absent')).next()).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(scanFolder(join(folder, 'top.txt')).next()).rejects.toMatchObject({ code: 'ENOTDIR' })
})
